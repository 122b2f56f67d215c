# METADATA
# title: Clusters have network policies
# description: >-
#   Without an engine for them, one taken pod talks to every other.
# custom:
#   id: azure.aks_network_policy
#   severity: medium
#   types: [microsoft.containerservice/managedclusters]
#   frameworks:
#     nist-800-53: ["AC-4", "SC-7"]
#     soc2: ["CC6.6"]
#     pci-dss: ["1.4.1"]
#   remediation: >-
#     Choose a network policy engine for the cluster.
package watchstander.preparation.azure.aks_network_policy

properties := input.asset.document.properties

deny contains "Network policies have no effect." if object.get(properties, ["networkProfile", "networkPolicy"], "") in {"", "none"}

unknown contains "the properties are missing" if not input.asset.document.properties
