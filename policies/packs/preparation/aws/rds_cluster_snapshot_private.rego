# METADATA
# title: Cluster snapshots are not public
# description: >-
#   A public snapshot can be restored by anyone, once, and for ever.
# custom:
#   id: aws.rds_cluster_snapshot_private
#   severity: critical
#   types: [aws.db_cluster_snapshot]
#   frameworks:
#     nist-800-53: ["AC-3"]
#     soc2: ["CC6.1"]
#     pci-dss: ["7.2.1"]
#   remediation: >-
#     Take `all` from the snapshot's restore attribute.
package watchstander.preparation.aws.rds_cluster_snapshot_private

deny contains "Anyone may restore the snapshot." if {
	some attribute in input.asset.document.Attributes
	attribute.AttributeName == "restore"
	"all" in attribute.AttributeValues
}
