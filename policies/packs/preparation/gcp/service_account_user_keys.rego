# METADATA
# title: Service accounts have no keys of their own
# description: >-
#   A downloaded key lives until somebody finds it.
# custom:
#   id: gcp.service_account_user_keys
#   severity: medium
#   types: [iam.googleapis.com/ServiceAccountKey]
#   frameworks:
#     cis-gcp: ["1.4"]
#     nist-800-53: ["IA-5"]
#     soc2: ["CC6.1"]
#     pci-dss: ["8.6.3"]
#   remediation: >-
#     Use workload identity federation or impersonation and disable the key.
package watchstander.preparation.gcp.service_account_user_keys

key := input.asset.document.resource.data

deny contains "A person made this key; it can be copied." if {
	key.keyType == "USER_MANAGED"
	object.get(key, "disabled", false) == false
}

unknown contains "the key's type is missing" if not input.asset.document.resource.data.keyType
