# METADATA
# title: Queues are encrypted
# description: >-
#   Messages wait on disks until they are taken.
# custom:
#   id: aws.sqs_queue_encrypted
#   severity: low
#   types: [aws.sqs_queue]
#   frameworks:
#     nist-800-53: ["SC-28"]
#     soc2: ["CC6.1"]
#     pci-dss: ["3.5.1"]
#   remediation: >-
#     Turn encryption on, with SQS's own keys or a KMS key.
package watchstander.preparation.aws.sqs_queue_encrypted

attributes := input.asset.document.Attributes

deny contains "The queue is not encrypted." if {
	object.get(attributes, "KmsMasterKeyId", "") == ""
	lower(object.get(attributes, "SqsManagedSseEnabled", "false")) != "true"
}

unknown contains "the queue's attributes are missing" if not attributes
