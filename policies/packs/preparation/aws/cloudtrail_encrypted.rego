# METADATA
# title: Trails are encrypted with a KMS key
# description: >-
#   Logs under a key of their own can be read only by those who may use the key.
# custom:
#   id: aws.cloudtrail_encrypted
#   severity: low
#   types: [aws.cloudtrail]
#   terraform_types: [aws_cloudtrail]
#   frameworks:
#     cis-aws: ["3.5"]
#     nist-800-53: ["AU-9", "SC-28"]
#     soc2: ["CC6.1"]
#     pci-dss: ["10.3.2"]
#   remediation: >-
#     Give the trail a KMS key whose policy lets only the security team decrypt.
package watchstander.preparation.aws.cloudtrail_encrypted

deny contains "The trail is not encrypted with a KMS key." if input.resource.aws_cloudtrail.main.kms_key_id == ""
