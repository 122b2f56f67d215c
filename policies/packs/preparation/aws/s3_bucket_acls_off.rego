# METADATA
# title: Buckets are governed by policies alone
# description: >-
#   With ACLs on, an object may belong to another account, and its reader is not told by the bucket
#   policy.
# custom:
#   id: aws.s3_bucket_acls_off
#   severity: low
#   types: [aws.s3_bucket]
#   frameworks:
#     nist-800-53: ["AC-3"]
#     soc2: ["CC6.1"]
#     pci-dss: ["7.2.1"]
#   remediation: >-
#     Set object ownership to BucketOwnerEnforced.
package watchstander.preparation.aws.s3_bucket_acls_off

deny contains "ACLs are in force beside the bucket policy." if not enforced

enforced if {
	some rule in input.asset.document.OwnershipControls.Rules
	rule.ObjectOwnership == "BucketOwnerEnforced"
}
