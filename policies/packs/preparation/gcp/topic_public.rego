# METADATA
# title: No topic is open to everyone
# description: >-
#   Who may publish to a topic may tell your programs what to do.
# custom:
#   id: gcp.topic_public
#   severity: high
#   types: [pubsub.googleapis.com/Topic]
#   frameworks:
#     nist-800-53: ["AC-3"]
#     soc2: ["CC6.1"]
#     pci-dss: ["7.2.1"]
#   remediation: >-
#     Remove the binding; name the service accounts that publish.
package watchstander.preparation.gcp.topic_public

everyone := {"allUsers", "allAuthenticatedUsers"}

deny contains msg if {
	some binding in input.asset.document.iamPolicy.bindings
	some member in binding.members
	member in everyone
	msg := sprintf("%s has %s.", [member, binding.role])
}
