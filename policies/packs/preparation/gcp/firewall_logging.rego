# METADATA
# title: Firewall rules log
# description: >-
#   A rule that logs tells who came through it.
# custom:
#   id: gcp.firewall_logging
#   severity: low
#   types: [compute.googleapis.com/Firewall]
#   frameworks:
#     nist-800-53: ["AU-12", "SI-4"]
#     soc2: ["CC7.2"]
#     pci-dss: ["10.2.1"]
#   remediation: >-
#     Turn logging on for the rule.
package watchstander.preparation.gcp.firewall_logging

asset := input.asset.document.resource.data

deny contains "The rule does not log." if object.get(asset, ["logConfig", "enable"], false) != true

unknown contains "the asset's data is missing" if not input.asset.document.resource.data
