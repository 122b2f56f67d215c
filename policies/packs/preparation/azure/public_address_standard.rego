# METADATA
# title: Public addresses are closed by default
# description: >-
#   An address of the old basic kind is open until a rule closes it.
# custom:
#   id: azure.public_address_standard
#   severity: low
#   types: [microsoft.network/publicipaddresses]
#   frameworks:
#     nist-800-53: ["SC-7"]
#     soc2: ["CC6.6"]
#     pci-dss: ["1.3.1"]
#   remediation: >-
#     Replace the address by one of the standard SKU.
package watchstander.preparation.azure.public_address_standard

deny contains "The address is of the basic kind." if input.asset.document.sku.name == "Basic"

unknown contains "sku.name is missing" if not input.asset.document.sku.name
