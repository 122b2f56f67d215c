# METADATA
# title: Disks are encrypted with a key of ours
# description: >-
#   A disk under your own key becomes unreadable at once when the key is disabled.
# custom:
#   id: gcp.disk_customer_key
#   severity: low
#   types: [compute.googleapis.com/Disk]
#   frameworks:
#     cis-gcp: ["4.7"]
#     nist-800-53: ["SC-12", "SC-28"]
#     soc2: ["CC6.1"]
#     pci-dss: ["3.6.1"]
#   remediation: >-
#     Make the disk anew from a snapshot, with a key of Cloud KMS.
package watchstander.preparation.gcp.disk_customer_key

asset := input.asset.document.resource.data

deny contains "The disk has no key of ours." if object.get(asset, "diskEncryptionKey", null) == null

unknown contains "the asset's data is missing" if not input.asset.document.resource.data
