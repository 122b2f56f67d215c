# METADATA
# title: MySQL servers have no public endpoint
# description: >-
#   A service that the Internet can reach is one leaked password from being copied.
# custom:
#   id: azure.mysql_public
#   severity: high
#   types: [microsoft.dbformysql/flexibleservers]
#   frameworks:
#     nist-800-53: ["SC-7"]
#     soc2: ["CC6.6"]
#     pci-dss: ["1.3.1"]
#   remediation: >-
#     Disable public network access for the server and use a private endpoint.
package watchstander.preparation.azure.mysql_public

properties := input.asset.document.properties

# What was never set means enabled.
deny contains "The server has a public endpoint." if object.get(properties, ["network", "publicNetworkAccess"], "Enabled") != "Disabled"

unknown contains "the properties are missing" if not input.asset.document.properties
