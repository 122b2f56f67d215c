# METADATA
# title: Clusters know the people of the directory
# description: >-
#   A cluster with accounts of its own keeps people who have left.
# custom:
#   id: azure.aks_directory
#   severity: medium
#   types: [microsoft.containerservice/managedclusters]
#   frameworks:
#     nist-800-53: ["AC-2", "IA-2"]
#     soc2: ["CC6.1"]
#     pci-dss: ["8.2.1"]
#   remediation: >-
#     Turn the cluster's Entra integration on.
package watchstander.preparation.azure.aks_directory

properties := input.asset.document.properties

deny contains "The cluster does not use the directory." if object.get(properties, ["aadProfile", "managed"], false) != true

unknown contains "the properties are missing" if not input.asset.document.properties
