# METADATA
# title: Storage accounts allow no public containers
# description: >-
#   One switch of a container then makes its data public.
# custom:
#   id: azure.storage_public_blobs
#   severity: high
#   types: [microsoft.storage/storageaccounts]
#   frameworks:
#     cis-azure: ["3.17"]
#     nist-800-53: ["AC-3"]
#     soc2: ["CC6.1"]
#     pci-dss: ["7.2.1"]
#   remediation: >-
#     Set allowBlobPublicAccess to false.
package watchstander.preparation.azure.storage_public_blobs

deny contains "Containers of the account may be made public." if input.asset.document.properties.allowBlobPublicAccess == true

unknown contains "properties.allowBlobPublicAccess is missing" if object.get(input.asset.document, ["properties", "allowBlobPublicAccess"], null) == null
