# METADATA
# title: Keys of service accounts are not old
# description: >-
#   The older a key, the more places it has been copied to.
# custom:
#   id: gcp.service_account_key_age
#   severity: medium
#   types: [iam.googleapis.com/ServiceAccountKey]
#   frameworks:
#     cis-gcp: ["1.7"]
#     nist-800-53: ["IA-5"]
#     soc2: ["CC6.1"]
#     pci-dss: ["8.6.3"]
#   parameters:
#     max_days: 90
#   remediation: >-
#     Make a new key, change to it, disable the old one; better, use no keys.
package watchstander.preparation.gcp.service_account_key_age

key := input.asset.document.resource.data

day := ((24 * 60) * 60) * 1000000000

deny contains msg if {
	key.keyType == "USER_MANAGED"
	object.get(key, "disabled", false) == false
	age := floor((time.parse_rfc3339_ns(input.context.now) - time.parse_rfc3339_ns(key.validAfterTime)) / day)
	age > data.parameters.max_days
	msg := sprintf("The key is %d days old.", [age])
}

unknown contains "the key's type is missing" if not input.asset.document.resource.data.keyType
