# METADATA
# title: S3 buckets log access
# description: >-
#   Without server access logs nobody can tell after an incident who read or changed an object.
# custom:
#   id: aws.s3_bucket_logging
#   severity: medium
#   types: [aws.s3_bucket]
#   terraform_types: [aws_s3_bucket]
#   frameworks:
#     cis-aws: ["3.4"]
#     nist-800-53: ["AU-2", "AU-12"]
#     soc2: ["CC7.2"]
#     pci-dss: ["10.2.1"]
#   parameters:
#     log_buckets: []
#   remediation: >-
#     Turn server access logging on, with a bucket of the log account as its target. Name the buckets
#     that only hold logs in the parameter `log_buckets`.
package watchstander.preparation.aws.s3_bucket_logging

bucket := input.resource.aws_s3_bucket.main

deny contains msg if {
	count(bucket.logging) == 0
	not bucket.bucket in data.parameters.log_buckets
	msg := sprintf("Bucket %s does not log access to it.", [bucket.bucket])
}
