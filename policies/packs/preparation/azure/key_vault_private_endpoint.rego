# METADATA
# title: Key vaults have private endpoints
# description: >-
#   A private endpoint keeps the traffic inside the network, and a leaked key useless outside it.
# custom:
#   id: azure.key_vault_private_endpoint
#   severity: low
#   types: [microsoft.keyvault/vaults]
#   frameworks:
#     cis-azure: ["8.7"]
#     nist-800-53: ["SC-7"]
#     soc2: ["CC6.6"]
#     pci-dss: ["1.3.1"]
#   remediation: >-
#     Create a private endpoint for the vault and close its public one.
package watchstander.preparation.azure.key_vault_private_endpoint

properties := input.asset.document.properties

deny contains "The vault has no private endpoint." if {
	object.get(properties, "publicNetworkAccess", "Enabled") != "Disabled"
	count(object.get(properties, "privateEndpointConnections", [])) == 0
}

unknown contains "the properties are missing" if not input.asset.document.properties
