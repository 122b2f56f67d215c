# METADATA
# title: Key vaults refuse unknown networks
# description: >-
#   A stolen token is worth less where the vault does not answer strangers.
# custom:
#   id: azure.key_vault_network
#   severity: medium
#   types: [microsoft.keyvault/vaults]
#   frameworks:
#     nist-800-53: ["AC-4", "SC-7"]
#     soc2: ["CC6.6"]
#     pci-dss: ["1.3.1"]
#   remediation: >-
#     Disable public network access, or set the default action to deny and name your networks.
package watchstander.preparation.azure.key_vault_network

properties := input.asset.document.properties

deny contains "The vault answers every network." if {
	object.get(properties, "publicNetworkAccess", "Enabled") != "Disabled"
	object.get(properties, ["networkAcls", "defaultAction"], "Allow") == "Allow"
}

unknown contains "the properties are missing" if not input.asset.document.properties
