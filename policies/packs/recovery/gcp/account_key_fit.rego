# METADATA
# title: Leaked keys are gone before an account is back
# description: >-
#   A disabled key can be enabled again by whoever still has a way in; before the account is back it
#   is deleted.
# custom:
#   id: recovery.gcp.account_key_fit
#   severity: high
#   types: [iam.googleapis.com/ServiceAccountKey]
#   frameworks:
#     nist-800-53: ["IA-5", "IR-4"]
#     soc2: ["CC7.5"]
#     pci-dss: ["12.10.1"]
#   remediation: >-
#     Delete the disabled key once nobody needs it as evidence.
package watchstander.recovery.gcp.account_key_fit

key := input.asset.document.resource.data

deny contains "The disabled key is still there." if {
	key.keyType == "USER_MANAGED"
	object.get(key, "disabled", false) == true
}

unknown contains "the key's type is missing" if not input.asset.document.resource.data.keyType
