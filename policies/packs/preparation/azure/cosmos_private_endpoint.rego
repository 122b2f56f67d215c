# METADATA
# title: Cosmos accounts have private endpoints
# description: >-
#   A private endpoint keeps the traffic inside the network, and a leaked key useless outside it.
# custom:
#   id: azure.cosmos_private_endpoint
#   severity: low
#   types: [microsoft.documentdb/databaseaccounts]
#   frameworks:
#     cis-azure: ["4.5.2"]
#     nist-800-53: ["SC-7"]
#     soc2: ["CC6.6"]
#     pci-dss: ["1.3.1"]
#   remediation: >-
#     Create a private endpoint for the account and close its public one.
package watchstander.preparation.azure.cosmos_private_endpoint

properties := input.asset.document.properties

deny contains "The account has no private endpoint." if {
	object.get(properties, "publicNetworkAccess", "Enabled") != "Disabled"
	count(object.get(properties, "privateEndpointConnections", [])) == 0
}

unknown contains "the properties are missing" if not input.asset.document.properties
