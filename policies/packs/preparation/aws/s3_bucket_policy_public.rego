# METADATA
# title: No bucket policy opens a bucket to everyone
# description: >-
#   A public bucket policy is the most common way in which data leaves a company.
# custom:
#   id: aws.s3_bucket_policy_public
#   severity: critical
#   types: [aws.s3_bucket]
#   frameworks:
#     cis-aws: ["2.1.4"]
#     nist-800-53: ["AC-3", "AC-6"]
#     soc2: ["CC6.1"]
#     pci-dss: ["7.2.1"]
#   remediation: >-
#     Remove the statements that allow everyone, or turn on RestrictPublicBuckets.
package watchstander.preparation.aws.s3_bucket_policy_public

deny contains "The bucket policy makes the bucket public." if {
	input.asset.document.PolicyStatus.IsPublic == true
	object.get(input.asset.document, ["PublicAccessBlock", "RestrictPublicBuckets"], false) == false
}
