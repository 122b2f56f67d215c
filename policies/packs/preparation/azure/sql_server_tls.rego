# METADATA
# title: SQL servers ask for TLS 1.2
# description: >-
#   Older versions can be broken on the way.
# custom:
#   id: azure.sql_server_tls
#   severity: medium
#   types: [microsoft.sql/servers]
#   frameworks:
#     nist-800-53: ["SC-8"]
#     soc2: ["CC6.7"]
#     pci-dss: ["4.2.1"]
#   remediation: >-
#     Set the minimum TLS version to 1.2.
package watchstander.preparation.azure.sql_server_tls

deny contains "The server accepts TLS older than 1.2." if input.asset.document.properties.minimalTlsVersion in {"None", "1.0", "1.1"}

unknown contains "properties.minimalTlsVersion is missing" if object.get(input.asset.document, ["properties", "minimalTlsVersion"], null) == null
