# METADATA
# title: Cosmos accounts refuse unknown networks
# description: >-
#   An account key that leaked should be useless outside.
# custom:
#   id: azure.cosmos_network
#   severity: high
#   types: [microsoft.documentdb/databaseaccounts]
#   frameworks:
#     cis-azure: ["4.5.1"]
#     nist-800-53: ["AC-4", "SC-7"]
#     soc2: ["CC6.6"]
#     pci-dss: ["1.3.1"]
#   remediation: >-
#     Disable public network access, or name the networks and addresses that need the account.
package watchstander.preparation.azure.cosmos_network

properties := input.asset.document.properties

deny contains "The account answers every network." if {
	object.get(properties, "publicNetworkAccess", "Enabled") == "Enabled"
	object.get(properties, "isVirtualNetworkFilterEnabled", false) == false
	count(object.get(properties, "ipRules", [])) == 0
}

unknown contains "the properties are missing" if not input.asset.document.properties
