# METADATA
# title: Clusters are not run from the Internet
# description: >-
#   The cluster's interface is the cluster; a stolen token should be useless outside.
# custom:
#   id: gcp.cluster_authorized_networks
#   severity: high
#   types: [container.googleapis.com/Cluster]
#   frameworks:
#     nist-800-53: ["AC-4", "SC-7"]
#     soc2: ["CC6.6"]
#     pci-dss: ["1.3.1"]
#   remediation: >-
#     Turn authorised networks on and name yours.
package watchstander.preparation.gcp.cluster_authorized_networks

asset := input.asset.document.resource.data

deny contains "The cluster's interface answers every network." if object.get(asset, ["masterAuthorizedNetworksConfig", "enabled"], false) != true

unknown contains "the asset's data is missing" if not input.asset.document.resource.data
