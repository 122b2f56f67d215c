# METADATA
# title: S3 buckets encrypt with a key of ours
# description: >-
#   Objects under a KMS key can be made unreadable at once by disabling the key, which is the fastest
#   containment there is.
# custom:
#   id: aws.s3_bucket_encryption
#   severity: low
#   types: [aws.s3_bucket]
#   terraform_types: [aws_s3_bucket]
#   frameworks:
#     nist-800-53: ["SC-28"]
#     soc2: ["CC6.1"]
#     pci-dss: ["3.5.1"]
#   remediation: >-
#     Set default encryption to aws:kms with a customer-managed key.
package watchstander.preparation.aws.s3_bucket_encryption

bucket := input.resource.aws_s3_bucket.main

deny contains "The bucket has no default encryption." if count(bucket.server_side_encryption_configuration) == 0

deny contains msg if {
	some configuration in bucket.server_side_encryption_configuration
	some rule in configuration.rule
	some chosen in rule.apply_server_side_encryption_by_default
	not startswith(chosen.sse_algorithm, "aws:kms")
	msg := sprintf("Default encryption is %s, not KMS.", [chosen.sse_algorithm])
}
