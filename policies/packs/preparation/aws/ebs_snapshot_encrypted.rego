# METADATA
# title: Volume snapshots are encrypted
# description: >-
#   An unencrypted snapshot can be shared with anyone and read by anyone it is shared with.
# custom:
#   id: aws.ebs_snapshot_encrypted
#   severity: medium
#   types: [aws.ebs_snapshot]
#   frameworks:
#     nist-800-53: ["SC-28"]
#     soc2: ["CC6.1"]
#     pci-dss: ["3.5.1"]
#   remediation: >-
#     Copy the snapshot with encryption and delete the plain one.
package watchstander.preparation.aws.ebs_snapshot_encrypted

deny contains "The snapshot is not encrypted." if input.asset.document.Encrypted == false

unknown contains "Encrypted is missing" if object.get(input.asset.document, ["Encrypted"], null) == null
