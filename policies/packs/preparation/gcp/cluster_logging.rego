# METADATA
# title: Clusters send their logs away
# description: >-
#   The log of a pod goes with the pod.
# custom:
#   id: gcp.cluster_logging
#   severity: medium
#   types: [container.googleapis.com/Cluster]
#   frameworks:
#     nist-800-53: ["AU-4", "AU-12"]
#     soc2: ["CC7.2"]
#     pci-dss: ["10.2.1"]
#   remediation: >-
#     Turn Cloud Logging on for the cluster.
package watchstander.preparation.gcp.cluster_logging

asset := input.asset.document.resource.data

deny contains "The cluster's logs go nowhere." if object.get(asset, "loggingService", "logging.googleapis.com/kubernetes") == "none"

unknown contains "the asset's data is missing" if not input.asset.document.resource.data
