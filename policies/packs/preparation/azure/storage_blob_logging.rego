# METADATA
# title: Blobs log their requests
# description: >-
#   Without this log nobody can tell which data an intruder has taken.
# custom:
#   id: azure.storage_blob_logging
#   severity: medium
#   scope: account
#   joins:
#     microsoft.insights/diagnosticsettings: [properties]
#     microsoft.storage/storageaccounts: [name]
#   frameworks:
#     cis-azure: ["3.13"]
#     nist-800-53: ["AU-2", "AU-12"]
#     soc2: ["CC7.2"]
#     pci-dss: ["10.2.1"]
#   parameters:
#     categories: [StorageRead, StorageWrite, StorageDelete]
#   remediation: >-
#     Make a diagnostic setting with StorageRead, StorageWrite, StorageDelete or all logs.
package watchstander.preparation.azure.storage_blob_logging

import data.watchstander.lib.logged_azure

deny contains {"msg": "The account does not log what is read, written and deleted.", "resource": resource.uid} if {
	some resource in data.inventory["microsoft.storage/storageaccounts"]
	settings := logged_azure.of(concat("", [resource.uid, "/blobservices/default"]))
	not logged_azure.logs(settings, data.parameters.categories)
}
