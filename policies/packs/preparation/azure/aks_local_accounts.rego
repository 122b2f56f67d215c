# METADATA
# title: Clusters have no local accounts
# description: >-
#   The local administrator's certificate knows no MFA, and cannot be taken back.
# custom:
#   id: azure.aks_local_accounts
#   severity: medium
#   types: [microsoft.containerservice/managedclusters]
#   frameworks:
#     nist-800-53: ["AC-2", "IA-2"]
#     soc2: ["CC6.1"]
#     pci-dss: ["8.2.2"]
#   remediation: >-
#     Disable local accounts, after giving administrators a directory group.
package watchstander.preparation.azure.aks_local_accounts

properties := input.asset.document.properties

deny contains "The cluster has local accounts." if object.get(properties, "disableLocalAccounts", false) != true

unknown contains "the properties are missing" if not input.asset.document.properties
