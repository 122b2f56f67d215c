# METADATA
# title: Clusters are governed by policy
# description: >-
#   The add-on refuses privileged pods before they start.
# custom:
#   id: azure.aks_policy_addon
#   severity: low
#   types: [microsoft.containerservice/managedclusters]
#   frameworks:
#     nist-800-53: ["CM-6", "CM-7"]
#     soc2: ["CC8.1"]
#     pci-dss: ["2.2.1"]
#   remediation: >-
#     Turn the Azure Policy add-on on.
package watchstander.preparation.azure.aks_policy_addon

properties := input.asset.document.properties

deny contains "The policy add-on is off." if object.get(properties, ["addonProfiles", "azurepolicy", "enabled"], false) != true

unknown contains "the properties are missing" if not input.asset.document.properties
