# METADATA
# title: No key is open to everyone
# description: >-
#   A key that everybody may use protects nothing.
# custom:
#   id: gcp.kms_key_public
#   severity: critical
#   types: [cloudkms.googleapis.com/CryptoKey]
#   frameworks:
#     cis-gcp: ["1.9"]
#     nist-800-53: ["AC-3", "SC-12"]
#     soc2: ["CC6.1"]
#     pci-dss: ["3.6.1"]
#   remediation: >-
#     Remove the binding.
package watchstander.preparation.gcp.kms_key_public

everyone := {"allUsers", "allAuthenticatedUsers"}

deny contains msg if {
	some binding in input.asset.document.iamPolicy.bindings
	some member in binding.members
	member in everyone
	msg := sprintf("%s has %s.", [member, binding.role])
}
