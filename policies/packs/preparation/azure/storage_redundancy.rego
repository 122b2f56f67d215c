# METADATA
# title: Storage accounts survive the loss of a building
# description: >-
#   Locally redundant data lies in one building.
# custom:
#   id: azure.storage_redundancy
#   severity: low
#   types: [microsoft.storage/storageaccounts]
#   frameworks:
#     nist-800-53: ["CP-9"]
#     soc2: ["A1.2"]
#     pci-dss: ["12.10.1"]
#   remediation: >-
#     Choose zone or geo redundancy.
package watchstander.preparation.azure.storage_redundancy

sku := input.asset.document.sku.name

deny contains msg if {
	endswith(sku, "_LRS")
	msg := sprintf("The data lies in one building (%s).", [sku])
}

unknown contains "sku.name is missing" if not input.asset.document.sku.name
