# METADATA
# title: Storage accounts refuse unknown networks
# description: >-
#   With the default set to allow, every other network rule is decoration.
# custom:
#   id: azure.storage_network_default
#   severity: high
#   types: [microsoft.storage/storageaccounts]
#   frameworks:
#     cis-azure: ["3.8"]
#     nist-800-53: ["AC-4", "SC-7"]
#     soc2: ["CC6.6"]
#     pci-dss: ["1.3.1"]
#   remediation: >-
#     Set the default action to deny and name the networks that need the account.
package watchstander.preparation.azure.storage_network_default

deny contains "The account answers every network." if input.asset.document.properties.networkAcls.defaultAction == "Allow"

unknown contains "properties.networkAcls.defaultAction is missing" if object.get(input.asset.document, ["properties", "networkAcls", "defaultAction"], null) == null
