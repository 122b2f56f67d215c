# METADATA
# title: Cosmos accounts know people, not keys
# description: >-
#   Who holds the account key is nobody in the log.
# custom:
#   id: azure.cosmos_local_auth
#   severity: medium
#   types: [microsoft.documentdb/databaseaccounts]
#   frameworks:
#     cis-azure: ["4.5.3"]
#     nist-800-53: ["AC-3", "IA-2"]
#     soc2: ["CC6.1"]
#     pci-dss: ["8.2.2"]
#   remediation: >-
#     Move clients to Entra ID and disable local authentication.
package watchstander.preparation.azure.cosmos_local_auth

properties := input.asset.document.properties

deny contains "The account takes its keys." if object.get(properties, "disableLocalAuth", false) != true

unknown contains "the properties are missing" if not input.asset.document.properties
