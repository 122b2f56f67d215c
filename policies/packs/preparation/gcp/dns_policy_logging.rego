# METADATA
# title: Name lookups are logged
# description: >-
#   Malware asks for its master's name before it talks to it.
# custom:
#   id: gcp.dns_policy_logging
#   severity: low
#   types: [dns.googleapis.com/Policy]
#   frameworks:
#     cis-gcp: ["2.12"]
#     nist-800-53: ["AU-12", "SI-4"]
#     soc2: ["CC7.2"]
#     pci-dss: ["10.2.1"]
#   remediation: >-
#     Turn logging on in the networks' DNS policy.
package watchstander.preparation.gcp.dns_policy_logging

asset := input.asset.document.resource.data

deny contains "Lookups are not logged." if object.get(asset, "enableLogging", false) != true

unknown contains "the asset's data is missing" if not input.asset.document.resource.data
