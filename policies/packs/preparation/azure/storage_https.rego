# METADATA
# title: Storage accounts ask for HTTPS
# description: >-
#   Keys and data sent in the clear can be read on the way.
# custom:
#   id: azure.storage_https
#   severity: high
#   types: [microsoft.storage/storageaccounts]
#   frameworks:
#     cis-azure: ["3.1"]
#     nist-800-53: ["SC-8"]
#     soc2: ["CC6.7"]
#     pci-dss: ["4.2.1"]
#   remediation: >-
#     Turn secure transfer required on.
package watchstander.preparation.azure.storage_https

deny contains "The account answers over plain HTTP." if input.asset.document.properties.supportsHttpsTrafficOnly == false

unknown contains "properties.supportsHttpsTrafficOnly is missing" if object.get(input.asset.document, ["properties", "supportsHttpsTrafficOnly"], null) == null
