# METADATA
# title: Networks have subnets
# description: >-
#   A legacy network is one flat range that no rule divides.
# custom:
#   id: gcp.network_legacy
#   severity: medium
#   types: [compute.googleapis.com/Network]
#   frameworks:
#     cis-gcp: ["3.2"]
#     nist-800-53: ["AC-4", "SC-7"]
#     soc2: ["CC6.6"]
#     pci-dss: ["1.2.1"]
#   remediation: >-
#     Convert the network, or make a new one of custom mode.
package watchstander.preparation.gcp.network_legacy

asset := input.asset.document.resource.data

deny contains "The network is a legacy network." if object.get(asset, "IPv4Range", "") != ""

deny contains "The network makes a subnet in every region by itself." if object.get(asset, "autoCreateSubnetworks", false) == true

unknown contains "the asset's data is missing" if not input.asset.document.resource.data
