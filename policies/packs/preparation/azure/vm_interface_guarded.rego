# METADATA
# title: Every machine's interface has a security group
# description: >-
#   An interface without a group, in a subnet without one, takes whatever the network lets through.
# custom:
#   id: azure.vm_interface_guarded
#   severity: high
#   scope: account
#   joins:
#     microsoft.compute/virtualmachines: [properties]
#     microsoft.network/networkinterfaces: [properties]
#     microsoft.network/virtualnetworks: [properties]
#   frameworks:
#     nist-800-53: ["AC-4", "SC-7"]
#     soc2: ["CC6.6"]
#     pci-dss: ["1.2.1"]
#   remediation: >-
#     Put a network security group on the interface or on its subnet.
package watchstander.preparation.azure.vm_interface_guarded

deny contains {"msg": msg, "resource": machine.uid} if {
	some machine in data.inventory["microsoft.compute/virtualmachines"]
	some position in data.related[machine.uid]["microsoft.network/networkinterfaces"]
	interface := data.inventory["microsoft.network/networkinterfaces"][position]
	not interface.document.properties.networkSecurityGroup.id
	some configuration in interface.document.properties.ipConfigurations
	subnet := lower(configuration.properties.subnet.id)
	not subnet in guarded
	msg := sprintf("The interface %s has no security group, nor has its subnet.", [interface.name])
}

guarded contains lower(subnet.id) if {
	some network in data.inventory["microsoft.network/virtualnetworks"]
	some subnet in network.document.properties.subnets
	subnet.properties.networkSecurityGroup.id
}
