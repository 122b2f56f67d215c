# METADATA
# title: Volume snapshots are not public
# description: >-
#   A public snapshot can be copied by anyone, once, and for ever.
# custom:
#   id: aws.ebs_snapshot_private
#   severity: critical
#   types: [aws.ebs_snapshot]
#   frameworks:
#     nist-800-53: ["AC-3"]
#     soc2: ["CC6.1"]
#     pci-dss: ["7.2.1"]
#   remediation: >-
#     Take the permission for group `all` away.
package watchstander.preparation.aws.ebs_snapshot_private

deny contains "Anyone may create a volume from the snapshot." if {
	some permission in input.asset.document.CreateVolumePermissions
	permission.Group == "all"
}
