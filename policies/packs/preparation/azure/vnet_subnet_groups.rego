# METADATA
# title: Subnets have a security group
# description: >-
#   A subnet without one lets everything through that the network lets in.
# custom:
#   id: azure.vnet_subnet_groups
#   severity: medium
#   types: [microsoft.network/virtualnetworks]
#   frameworks:
#     nist-800-53: ["AC-4", "SC-7"]
#     soc2: ["CC6.6"]
#     pci-dss: ["1.3.1"]
#   parameters:
#     without: [GatewaySubnet, AzureFirewallSubnet, AzureFirewallManagementSubnet, RouteServerSubnet]
#   remediation: >-
#     Assign a network security group to every subnet but those that Azure's own services demand
#     without.
package watchstander.preparation.azure.vnet_subnet_groups

deny contains msg if {
	some subnet in input.asset.document.properties.subnets
	not subnet.properties.networkSecurityGroup
	not subnet.name in data.parameters.without
	msg := sprintf("Subnet %s has no security group.", [subnet.name])
}

unknown contains "the network's subnets are missing" if not input.asset.document.properties.subnets
