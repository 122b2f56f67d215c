# METADATA
# title: Pods have identities of their own
# description: >-
#   Without it every pod has the rights of its node.
# custom:
#   id: gcp.cluster_workload_identity
#   severity: medium
#   types: [container.googleapis.com/Cluster]
#   frameworks:
#     nist-800-53: ["AC-6", "IA-5"]
#     soc2: ["CC6.3"]
#     pci-dss: ["8.6.1"]
#   remediation: >-
#     Turn Workload Identity Federation on.
package watchstander.preparation.gcp.cluster_workload_identity

asset := input.asset.document.resource.data

deny contains "Pods share the identity of their node." if {
	object.get(asset, ["autopilot", "enabled"], false) == false
	object.get(asset, ["workloadIdentityConfig", "workloadPool"], "") == ""
}

unknown contains "the asset's data is missing" if not input.asset.document.resource.data
