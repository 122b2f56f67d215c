# METADATA
# title: No bucket is open to everyone
# description: >-
#   A binding for allUsers or allAuthenticatedUsers publishes every object of the bucket.
# custom:
#   id: gcp.bucket_public
#   severity: critical
#   types: [storage.googleapis.com/Bucket]
#   frameworks:
#     cis-gcp: ["5.1"]
#     nist-800-53: ["AC-3"]
#     soc2: ["CC6.1"]
#     pci-dss: ["7.2.1"]
#   remediation: >-
#     Remove the binding and enforce public access prevention.
package watchstander.preparation.gcp.bucket_public

everyone := {"allUsers", "allAuthenticatedUsers"}

deny contains msg if {
	some binding in input.asset.document.iamPolicy.bindings
	some member in binding.members
	member in everyone
	msg := sprintf("%s has %s.", [member, binding.role])
}
