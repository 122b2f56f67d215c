# METADATA
# title: Deleted blobs and containers can be had back
# description: >-
#   Without soft delete, what an intruder or a script deletes is gone at once.
# custom:
#   id: azure.storage_blob_soft_delete
#   severity: medium
#   types: [microsoft.storage/storageaccounts/blobservices]
#   frameworks:
#     cis-azure: ["3.11"]
#     nist-800-53: ["CP-9", "SI-12"]
#     soc2: ["A1.2"]
#     pci-dss: ["10.3.3"]
#   parameters:
#     days: 7
#   remediation: >-
#     Turn soft delete for blobs and for containers on, for at least seven days.
package watchstander.preparation.azure.storage_blob_soft_delete

properties := input.asset.document.properties

deny contains "Deleted blobs are gone at once." if {
	properties
	not kept("deleteRetentionPolicy")
}

deny contains "Deleted containers are gone at once." if {
	properties
	not kept("containerDeleteRetentionPolicy")
}

kept(name) if {
	properties[name].enabled == true
	properties[name].days >= data.parameters.days
}

unknown contains "the properties are missing" if not input.asset.document.properties
