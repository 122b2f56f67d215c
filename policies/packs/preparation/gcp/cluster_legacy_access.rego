# METADATA
# title: Clusters have role-based access only
# description: >-
#   The old attribute-based access gives every pod the rights of an editor.
# custom:
#   id: gcp.cluster_legacy_access
#   severity: high
#   types: [container.googleapis.com/Cluster]
#   frameworks:
#     nist-800-53: ["AC-3", "AC-6"]
#     soc2: ["CC6.3"]
#     pci-dss: ["7.2.1"]
#   remediation: >-
#     Turn legacy authorisation off.
package watchstander.preparation.gcp.cluster_legacy_access

asset := input.asset.document.resource.data

deny contains "Legacy attribute-based access is on." if object.get(asset, ["legacyAbac", "enabled"], false) == true

unknown contains "the asset's data is missing" if not input.asset.document.resource.data
