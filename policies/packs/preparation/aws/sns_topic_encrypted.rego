# METADATA
# title: Topics are encrypted
# description: >-
#   Messages wait on disks until they are delivered.
# custom:
#   id: aws.sns_topic_encrypted
#   severity: low
#   types: [aws.sns_topic]
#   frameworks:
#     nist-800-53: ["SC-28"]
#     soc2: ["CC6.1"]
#     pci-dss: ["3.5.1"]
#   remediation: >-
#     Set a KMS key for the topic.
package watchstander.preparation.aws.sns_topic_encrypted

# AWS leaves the field out where it was never set.
deny contains "The topic is not encrypted." if object.get(input.asset.document, ["Attributes", "KmsMasterKeyId"], "") == ""
