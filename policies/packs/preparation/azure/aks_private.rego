# METADATA
# title: Clusters are not run from the Internet
# description: >-
#   The cluster's interface is the cluster; a stolen token should be useless outside.
# custom:
#   id: azure.aks_private
#   severity: high
#   types: [microsoft.containerservice/managedclusters]
#   frameworks:
#     nist-800-53: ["AC-4", "SC-7"]
#     soc2: ["CC6.6"]
#     pci-dss: ["1.3.1"]
#   remediation: >-
#     Make the cluster private, or name the address ranges that may reach it.
package watchstander.preparation.azure.aks_private

access := object.get(input.asset.document.properties, "apiServerAccessProfile", {})

deny contains "The cluster's interface answers the whole Internet." if {
	object.get(access, "enablePrivateCluster", false) != true
	count(object.get(access, "authorizedIPRanges", [])) == 0
}

unknown contains "the properties are missing" if not input.asset.document.properties
