# METADATA
# title: No secret is open to everyone
# description: >-
#   A secret that everybody may read is none.
# custom:
#   id: gcp.secret_public
#   severity: critical
#   types: [secretmanager.googleapis.com/Secret]
#   frameworks:
#     nist-800-53: ["AC-3", "IA-5"]
#     soc2: ["CC6.1"]
#     pci-dss: ["8.6.2"]
#   remediation: >-
#     Remove the binding and change the secret.
package watchstander.preparation.gcp.secret_public

everyone := {"allUsers", "allAuthenticatedUsers"}

deny contains msg if {
	some binding in input.asset.document.iamPolicy.bindings
	some member in binding.members
	member in everyone
	msg := sprintf("%s has %s.", [member, binding.role])
}
