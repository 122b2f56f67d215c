# METADATA
# title: Machines have managed disks
# description: >-
#   A disk that is a blob in a storage account is as open as the account.
# custom:
#   id: azure.vm_managed_disks
#   severity: medium
#   types: [microsoft.compute/virtualmachines]
#   frameworks:
#     cis-azure: ["7.2"]
#     nist-800-53: ["AC-3", "SC-28"]
#     soc2: ["CC6.1"]
#     pci-dss: ["3.5.1"]
#   remediation: >-
#     Convert the machine's disks to managed disks.
package watchstander.preparation.azure.vm_managed_disks

disk := input.asset.document.properties.storageProfile.osDisk

deny contains "The machine's disk is a blob in a storage account." if not disk.managedDisk

unknown contains "the machine's disk is missing" if not disk
