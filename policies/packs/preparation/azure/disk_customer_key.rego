# METADATA
# title: Disks are encrypted with a key of ours
# description: >-
#   A disk under your own key becomes unreadable at once when the key is disabled.
# custom:
#   id: azure.disk_customer_key
#   severity: low
#   types: [microsoft.compute/disks]
#   frameworks:
#     cis-azure: ["7.3", "7.4"]
#     nist-800-53: ["SC-12", "SC-28"]
#     soc2: ["CC6.1"]
#     pci-dss: ["3.6.1"]
#   remediation: >-
#     Create a disk encryption set with your key and use it for the disk.
package watchstander.preparation.azure.disk_customer_key

properties := input.asset.document.properties

deny contains "The disk is encrypted with a key of the platform's." if object.get(properties, ["encryption", "type"], "EncryptionAtRestWithPlatformKey") == "EncryptionAtRestWithPlatformKey"

unknown contains "the properties are missing" if not input.asset.document.properties
