# METADATA
# title: KMS keys rotate
# description: >-
#   Rotation bounds how much a key that leaked can decrypt.
# custom:
#   id: gcp.kms_key_rotation
#   severity: low
#   types: [cloudkms.googleapis.com/CryptoKey]
#   frameworks:
#     cis-gcp: ["1.10"]
#     nist-800-53: ["SC-12"]
#     soc2: ["CC6.1"]
#     pci-dss: ["3.7.4"]
#   parameters:
#     max_seconds: 7776000
#   remediation: >-
#     Set a rotation period of 90 days or less.
package watchstander.preparation.gcp.kms_key_rotation

key := input.asset.document.resource.data

deny contains "The key does not rotate." if {
	key.purpose == "ENCRYPT_DECRYPT"
	object.get(key, "rotationPeriod", null) == null
}

deny contains msg if {
	key.purpose == "ENCRYPT_DECRYPT"
	to_number(trim_suffix(key.rotationPeriod, "s")) > data.parameters.max_seconds
	msg := sprintf("The key rotates only every %s.", [key.rotationPeriod])
}

unknown contains "the key's data is missing" if not input.asset.document.resource.data.purpose
