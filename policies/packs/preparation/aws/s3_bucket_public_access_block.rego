# METADATA
# title: S3 buckets block public access
# description: >-
#   The public access block is the one switch that no bucket policy or ACL can undo by mistake.
# custom:
#   id: aws.s3_bucket_public_access_block
#   severity: high
#   types: [aws.s3_bucket]
#   frameworks:
#     cis-aws: ["2.1.4"]
#     nist-800-53: ["AC-3", "SC-7"]
#     soc2: ["CC6.1"]
#     pci-dss: ["1.3.1"]
#   remediation: >-
#     Turn all four settings of the bucket's public access block on.
package watchstander.preparation.aws.s3_bucket_public_access_block

settings := ["BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"]

block := object.get(input.asset.document, "PublicAccessBlock", null)

deny contains "The bucket has no public access block." if block == null

deny contains msg if {
	block != null
	some setting in settings
	object.get(block, setting, false) == false
	msg := sprintf("%s is off.", [setting])
}
