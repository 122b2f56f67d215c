# METADATA
# title: Storage accounts encrypt twice
# description: >-
#   A second layer under another algorithm holds where one implementation turns out to be broken.
# custom:
#   id: azure.storage_infrastructure_encryption
#   severity: low
#   types: [microsoft.storage/storageaccounts]
#   frameworks:
#     cis-azure: ["3.2"]
#     nist-800-53: ["SC-28"]
#     soc2: ["CC6.1"]
#     pci-dss: ["3.5.1"]
#   remediation: >-
#     It can only be chosen when an account is made: make a new one and move the data.
package watchstander.preparation.azure.storage_infrastructure_encryption

properties := input.asset.document.properties

# Azure leaves out what was never set.
deny contains "Data is encrypted once only." if object.get(properties, ["encryption", "requireInfrastructureEncryption"], false) != true

unknown contains "the properties are missing" if not input.asset.document.properties
