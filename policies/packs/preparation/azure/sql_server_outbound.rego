# METADATA
# title: SQL servers talk to known hosts only
# description: >-
#   A database that may call any address can be made to send its rows there.
# custom:
#   id: azure.sql_server_outbound
#   severity: low
#   types: [microsoft.sql/servers]
#   frameworks:
#     nist-800-53: ["AC-4", "SC-7"]
#     soc2: ["CC6.7"]
#     pci-dss: ["1.3.2"]
#   remediation: >-
#     Restrict outbound networking and name the hosts that are needed.
package watchstander.preparation.azure.sql_server_outbound

properties := input.asset.document.properties

deny contains "The server may connect to every address." if object.get(properties, "restrictOutboundNetworkAccess", "Disabled") != "Enabled"

unknown contains "the properties are missing" if not input.asset.document.properties
