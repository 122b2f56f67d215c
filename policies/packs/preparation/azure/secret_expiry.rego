# METADATA
# title: A vault's secrets end
# description: >-
#   A secret without an end is never renewed, and what leaked once is good for ever.
# custom:
#   id: azure.secret_expiry
#   severity: medium
#   types: [microsoft.keyvault/vaults/secrets]
#   frameworks:
#     cis-azure: ["8.3", "8.4"]
#     nist-800-53: ["IA-5", "SC-12"]
#     soc2: ["CC6.1"]
#     pci-dss: ["3.7.4"]
#   remediation: >-
#     Set an expiry date, and renew the secret before it.
package watchstander.preparation.azure.secret_expiry

properties := input.asset.document.properties

deny contains "The secret never ends." if {
	object.get(properties, ["attributes", "enabled"], true) != false
	not properties.attributes.exp
}

unknown contains "the properties are missing" if not input.asset.document.properties
