# METADATA
# title: New volumes are encrypted by default
# description: >-
#   A snapshot of an unencrypted volume can be shared with anyone.
# custom:
#   id: aws.region_ebs_encryption
#   severity: medium
#   types: [aws.region]
#   frameworks:
#     cis-aws: ["2.2.1"]
#     nist-800-53: ["SC-28"]
#     soc2: ["CC6.1"]
#     pci-dss: ["3.5.1"]
#   remediation: >-
#     Turn EBS encryption by default on in the region.
package watchstander.preparation.aws.region_ebs_encryption

deny contains "New volumes are not encrypted by default." if input.asset.document.EbsEncryptionByDefault == false

unknown contains "EbsEncryptionByDefault is missing" if object.get(input.asset.document, ["EbsEncryptionByDefault"], null) == null
