# METADATA
# title: Disks cannot be downloaded from everywhere
# description: >-
#   A disk's export link is a copy of the machine, for whoever has the link.
# custom:
#   id: azure.disk_export
#   severity: medium
#   types: [microsoft.compute/disks]
#   frameworks:
#     nist-800-53: ["AC-4", "SC-7"]
#     soc2: ["CC6.7"]
#     pci-dss: ["1.3.2"]
#   remediation: >-
#     Set the disk's network access to deny all, or to private links.
package watchstander.preparation.azure.disk_export

properties := input.asset.document.properties

deny contains "The disk can be exported to every network." if object.get(properties, "networkAccessPolicy", "AllowAll") == "AllowAll"

unknown contains "the properties are missing" if not input.asset.document.properties
