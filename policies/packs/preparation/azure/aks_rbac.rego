# METADATA
# title: Clusters have role-based access
# description: >-
#   Without it whoever reaches the cluster's interface is its administrator.
# custom:
#   id: azure.aks_rbac
#   severity: high
#   types: [microsoft.containerservice/managedclusters]
#   frameworks:
#     nist-800-53: ["AC-3", "AC-6"]
#     soc2: ["CC6.3"]
#     pci-dss: ["7.2.1"]
#   remediation: >-
#     It is chosen when a cluster is made: make a new one with RBAC.
package watchstander.preparation.azure.aks_rbac

properties := input.asset.document.properties

deny contains "Role-based access is off." if object.get(properties, "enableRBAC", false) != true

unknown contains "the properties are missing" if not input.asset.document.properties
