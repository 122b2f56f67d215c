# METADATA
# title: Services are not open to everyone
# description: >-
#   A service without a caller's identity is on the Internet, whatever it was meant for.
# custom:
#   id: gcp.run_service_public
#   severity: medium
#   types: [run.googleapis.com/Service]
#   frameworks:
#     nist-800-53: ["AC-3"]
#     soc2: ["CC6.6"]
#     pci-dss: ["1.3.1"]
#   remediation: >-
#     Remove the binding, or name the service in policies.disabled or an exemption if it is meant to
#     be public.
package watchstander.preparation.gcp.run_service_public

everyone := {"allUsers", "allAuthenticatedUsers"}

deny contains msg if {
	some binding in input.asset.document.iamPolicy.bindings
	some member in binding.members
	member in everyone
	msg := sprintf("%s has %s.", [member, binding.role])
}
