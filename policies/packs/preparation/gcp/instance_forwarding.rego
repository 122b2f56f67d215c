# METADATA
# title: Instances do not forward packets
# description: >-
#   A machine that forwards packets routes around every rule in between.
# custom:
#   id: gcp.instance_forwarding
#   severity: medium
#   types: [compute.googleapis.com/Instance]
#   frameworks:
#     cis-gcp: ["4.6"]
#     nist-800-53: ["AC-4", "CM-7"]
#     soc2: ["CC6.6"]
#     pci-dss: ["1.4.3"]
#   remediation: >-
#     It is chosen when an instance is made: make a new one without forwarding.
package watchstander.preparation.gcp.instance_forwarding

asset := input.asset.document.resource.data

deny contains "The instance forwards packets of others." if object.get(asset, "canIpForward", false) == true

unknown contains "the asset's data is missing" if not input.asset.document.resource.data
