# METADATA
# title: Snapshots cannot be made public
# description: >-
#   The block of the region holds whatever is set on a snapshot tomorrow.
# custom:
#   id: aws.region_snapshots_blocked
#   severity: medium
#   types: [aws.ec2_settings]
#   frameworks:
#     nist-800-53: ["AC-3"]
#     soc2: ["CC6.1"]
#     pci-dss: ["7.2.1"]
#   remediation: >-
#     Block public sharing of snapshots in every region.
package watchstander.preparation.aws.region_snapshots_blocked

deny contains "Snapshots may be made public in this region." if input.asset.document.SnapshotBlockPublicAccess == "unblocked"

unknown contains "SnapshotBlockPublicAccess is missing" if object.get(input.asset.document, ["SnapshotBlockPublicAccess"], null) == null
