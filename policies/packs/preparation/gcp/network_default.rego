# METADATA
# title: There is no default network
# description: >-
#   Its rules let SSH, RDP and ping in from everywhere.
# custom:
#   id: gcp.network_default
#   severity: high
#   types: [compute.googleapis.com/Network]
#   frameworks:
#     cis-gcp: ["3.1"]
#     nist-800-53: ["CM-7", "SC-7"]
#     soc2: ["CC6.6"]
#     pci-dss: ["2.2.1"]
#   remediation: >-
#     Delete the default network after moving what stands in it.
package watchstander.preparation.gcp.network_default

asset := input.asset.document.resource.data

deny contains "This is the project's default network." if object.get(asset, "name", "") == "default"

unknown contains "the asset's data is missing" if not input.asset.document.resource.data
