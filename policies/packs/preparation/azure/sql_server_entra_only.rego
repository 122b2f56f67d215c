# METADATA
# title: SQL servers know people of the directory only
# description: >-
#   SQL logins know no MFA and no conditional access, and outlive the person.
# custom:
#   id: azure.sql_server_entra_only
#   severity: medium
#   types: [microsoft.sql/servers]
#   frameworks:
#     cis-azure: ["4.1.4"]
#     nist-800-53: ["IA-2"]
#     soc2: ["CC6.1"]
#     pci-dss: ["8.3.1"]
#   remediation: >-
#     Set an Entra administrator and allow Entra authentication only.
package watchstander.preparation.azure.sql_server_entra_only

properties := input.asset.document.properties

deny contains "The server takes SQL logins." if object.get(properties, ["administrators", "azureADOnlyAuthentication"], false) != true

unknown contains "the properties are missing" if not input.asset.document.properties
