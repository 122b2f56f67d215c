# METADATA
# title: A vault's keys end
# description: >-
#   A key without an end is never renewed, and what leaked once is good for ever.
# custom:
#   id: azure.key_expiry
#   severity: medium
#   types: [microsoft.keyvault/vaults/keys]
#   frameworks:
#     cis-azure: ["8.1", "8.2"]
#     nist-800-53: ["IA-5", "SC-12"]
#     soc2: ["CC6.1"]
#     pci-dss: ["3.7.4"]
#   remediation: >-
#     Set an expiry date, and renew the key before it.
package watchstander.preparation.azure.key_expiry

properties := input.asset.document.properties

deny contains "The key never ends." if {
	object.get(properties, ["attributes", "enabled"], true) != false
	not properties.attributes.exp
}

unknown contains "the properties are missing" if not input.asset.document.properties
