# METADATA
# title: Storage accounts ask for TLS 1.2
# description: >-
#   Older versions can be broken on the way.
# custom:
#   id: azure.storage_tls
#   severity: medium
#   types: [microsoft.storage/storageaccounts]
#   frameworks:
#     cis-azure: ["3.15"]
#     nist-800-53: ["SC-8"]
#     soc2: ["CC6.7"]
#     pci-dss: ["4.2.1"]
#   remediation: >-
#     Set the minimum TLS version to 1.2.
package watchstander.preparation.azure.storage_tls

deny contains "The account accepts TLS older than 1.2." if input.asset.document.properties.minimumTlsVersion in {"TLS1_0", "TLS1_1"}

unknown contains "properties.minimumTlsVersion is missing" if object.get(input.asset.document, ["properties", "minimumTlsVersion"], null) == null
