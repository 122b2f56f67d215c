# METADATA
# title: Networks log their flows
# description: >-
#   Who talked to whom is in the flow log and nowhere else. A log of the security groups in the
#   network does as well; then switch this policy off.
# custom:
#   id: azure.network_flow_logs
#   severity: medium
#   scope: account
#   joins:
#     microsoft.network/virtualnetworks: [name]
#     microsoft.network/networkwatchers/flowlogs: [properties]
#   frameworks:
#     nist-800-53: ["AU-2", "AU-12"]
#     soc2: ["CC7.2"]
#     pci-dss: ["10.2.1"]
#   remediation: >-
#     Make a flow log of the virtual network.
package watchstander.preparation.azure.network_flow_logs

logged contains lower(log.document.properties.targetResourceId) if {
	some log in data.inventory["microsoft.network/networkwatchers/flowlogs"]
	log.document.properties.enabled == true
}

deny contains {"msg": "The network does not log its flows.", "resource": network.uid} if {
	some network in data.inventory["microsoft.network/virtualnetworks"]
	not network.uid in logged
}
