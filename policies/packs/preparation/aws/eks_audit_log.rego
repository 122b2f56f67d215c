# METADATA
# title: Clusters keep an audit log
# description: >-
#   The audit log tells who asked the cluster for what; without it nobody knows.
# custom:
#   id: aws.eks_audit_log
#   severity: medium
#   types: [aws.eks_cluster]
#   frameworks:
#     nist-800-53: ["AU-2", "AU-12"]
#     soc2: ["CC7.2"]
#     pci-dss: ["10.2.1"]
#   remediation: >-
#     Turn the control plane's audit and authenticator logs on.
package watchstander.preparation.aws.eks_audit_log

logged contains kind if {
	some setup in input.asset.document.Cluster.logging.clusterLogging
	setup.enabled == true
	some kind in setup.types
}

deny contains "The audit log is off." if not "audit" in logged
