# METADATA
# title: Nodes of clusters have no public address
# description: >-
#   A node that the Internet can reach is one hole from the whole cluster.
# custom:
#   id: gcp.cluster_private_nodes
#   severity: medium
#   types: [container.googleapis.com/Cluster]
#   frameworks:
#     nist-800-53: ["AC-4", "SC-7"]
#     soc2: ["CC6.6"]
#     pci-dss: ["1.3.1"]
#   remediation: >-
#     Make the cluster with private nodes.
package watchstander.preparation.gcp.cluster_private_nodes

asset := input.asset.document.resource.data

deny contains "Nodes have public addresses." if object.get(asset, ["privateClusterConfig", "enablePrivateNodes"], false) != true

unknown contains "the asset's data is missing" if not input.asset.document.resource.data
