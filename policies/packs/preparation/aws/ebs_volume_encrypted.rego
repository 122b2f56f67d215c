# METADATA
# title: Volumes are encrypted
# description: >-
#   A snapshot of an unencrypted volume can be shared with anyone.
# custom:
#   id: aws.ebs_volume_encrypted
#   severity: medium
#   types: [aws.ebs_volume]
#   frameworks:
#     nist-800-53: ["SC-28"]
#     soc2: ["CC6.1"]
#     pci-dss: ["3.5.1"]
#   remediation: >-
#     Copy a snapshot of the volume with encryption and replace the volume by it.
package watchstander.preparation.aws.ebs_volume_encrypted

deny contains "The volume is not encrypted." if input.asset.document.Encrypted == false

unknown contains "Encrypted is missing" if object.get(input.asset.document, ["Encrypted"], null) == null
