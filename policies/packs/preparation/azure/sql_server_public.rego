# METADATA
# title: SQL servers have no public endpoint
# description: >-
#   A database that the Internet can reach is one leaked password from being copied.
# custom:
#   id: azure.sql_server_public
#   severity: high
#   types: [microsoft.sql/servers]
#   frameworks:
#     cis-azure: ["4.1.2"]
#     nist-800-53: ["SC-7"]
#     soc2: ["CC6.6"]
#     pci-dss: ["1.3.1"]
#   remediation: >-
#     Disable public network access and use a private endpoint.
package watchstander.preparation.azure.sql_server_public

deny contains "The server has a public endpoint." if input.asset.document.properties.publicNetworkAccess == "Enabled"

unknown contains "properties.publicNetworkAccess is missing" if object.get(input.asset.document, ["properties", "publicNetworkAccess"], null) == null
