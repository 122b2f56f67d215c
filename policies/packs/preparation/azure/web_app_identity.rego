# METADATA
# title: Web apps have an identity of their own
# description: >-
#   An app without an identity keeps secrets in its settings.
# custom:
#   id: azure.web_app_identity
#   severity: low
#   types: [microsoft.web/sites]
#   frameworks:
#     cis-azure: ["9.4"]
#     nist-800-53: ["IA-5"]
#     soc2: ["CC6.1"]
#     pci-dss: ["8.6.2"]
#   remediation: >-
#     Assign a managed identity and replace connection strings by roles.
package watchstander.preparation.azure.web_app_identity

# Azure leaves the field out where there is none.
deny contains "The app has no managed identity." if object.get(input.asset.document, ["identity", "type"], "None") == "None"

unknown contains "the app's properties are missing" if not input.asset.document.properties
