# METADATA
# title: Disks have no public endpoint
# description: >-
#   A disk that is not reached from the Internet cannot be downloaded from there.
# custom:
#   id: azure.disk_public_network
#   severity: medium
#   types: [microsoft.compute/disks]
#   frameworks:
#     nist-800-53: ["SC-7"]
#     soc2: ["CC6.6"]
#     pci-dss: ["1.3.1"]
#   remediation: >-
#     Disable public network access for the disk.
package watchstander.preparation.azure.disk_public_network

properties := input.asset.document.properties

deny contains "The disk has a public endpoint." if object.get(properties, "publicNetworkAccess", "Enabled") != "Disabled"

unknown contains "the properties are missing" if not input.asset.document.properties
