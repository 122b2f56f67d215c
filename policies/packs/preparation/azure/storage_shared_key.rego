# METADATA
# title: Storage accounts know people, not keys
# description: >-
#   Who holds the account key is nobody in the log, and cannot be shut out alone.
# custom:
#   id: azure.storage_shared_key
#   severity: medium
#   types: [microsoft.storage/storageaccounts]
#   frameworks:
#     nist-800-53: ["AC-3", "IA-2"]
#     soc2: ["CC6.1"]
#     pci-dss: ["8.2.2"]
#   remediation: >-
#     Move clients to Entra ID and turn shared key access off.
package watchstander.preparation.azure.storage_shared_key

properties := input.asset.document.properties

# What was never set means yes.
deny contains "The account takes its shared keys." if object.get(properties, "allowSharedKeyAccess", true) != false

unknown contains "the properties are missing" if not input.asset.document.properties
