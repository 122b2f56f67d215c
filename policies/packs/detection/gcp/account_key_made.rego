# METADATA
# title: Somebody made a key for a service account
# description: >-
#   A fresh downloaded key is how intruders come back after the hole has been closed.
# custom:
#   id: detection.gcp.account_key_made
#   severity: medium
#   types: [iam.googleapis.com/ServiceAccountKey]
#   frameworks:
#     cis-gcp: ["1.4"]
#     nist-800-53: ["AC-2", "SI-4"]
#     soc2: ["CC7.3"]
#     pci-dss: ["8.6.3"]
#   parameters:
#     hours: 24
#   remediation: >-
#     Ask who made the key; disable it where nobody knows.
package watchstander.detection.gcp.account_key_made

key := input.asset.document.resource.data

hour := 3600 * 1000000000

deny contains msg if {
	key.keyType == "USER_MANAGED"
	object.get(key, "disabled", false) == false
	age := floor((time.parse_rfc3339_ns(input.context.now) - time.parse_rfc3339_ns(key.validAfterTime)) / hour)
	age < data.parameters.hours
	msg := sprintf("The key was made at %s.", [key.validAfterTime])
}

unknown contains "the key's type is missing" if not input.asset.document.resource.data.keyType
