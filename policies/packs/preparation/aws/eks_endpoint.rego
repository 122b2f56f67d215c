# METADATA
# title: Clusters are not run from the Internet
# description: >-
#   The cluster's interface is the cluster; a stolen token should be useless outside.
# custom:
#   id: aws.eks_endpoint
#   severity: high
#   types: [aws.eks_cluster]
#   frameworks:
#     nist-800-53: ["AC-4", "SC-7"]
#     soc2: ["CC6.6"]
#     pci-dss: ["1.3.1"]
#   remediation: >-
#     Close the public endpoint, or name the address ranges that may reach it.
package watchstander.preparation.aws.eks_endpoint

network := input.asset.document.Cluster.resourcesVpcConfig

deny contains "The cluster's interface answers the whole Internet." if {
	network.endpointPublicAccess == true
	some range in object.get(network, "publicAccessCidrs", ["0.0.0.0/0"])
	range in {"0.0.0.0/0", "::/0"}
}

unknown contains "the cluster's network is missing" if not network
