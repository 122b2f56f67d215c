# METADATA
# title: Storage accounts have no public endpoint
# description: >-
#   An account that only private endpoints reach cannot be read with a leaked key from elsewhere.
# custom:
#   id: azure.storage_public_network
#   severity: medium
#   types: [microsoft.storage/storageaccounts]
#   frameworks:
#     cis-azure: ["3.10"]
#     nist-800-53: ["SC-7"]
#     soc2: ["CC6.6"]
#     pci-dss: ["1.3.1"]
#   remediation: >-
#     Disable public network access and use private endpoints.
package watchstander.preparation.azure.storage_public_network

properties := input.asset.document.properties

# What was never set means enabled.
deny contains "The account has a public endpoint." if object.get(properties, "publicNetworkAccess", "Enabled") != "Disabled"

unknown contains "the properties are missing" if not input.asset.document.properties
