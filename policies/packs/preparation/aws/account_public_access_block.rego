# METADATA
# title: The account blocks public buckets
# description: >-
#   What is set for the account holds for every bucket, also those made tomorrow.
# custom:
#   id: aws.account_public_access_block
#   severity: high
#   types: [aws.account]
#   frameworks:
#     cis-aws: ["2.1.4"]
#     nist-800-53: ["AC-3", "SC-7"]
#     soc2: ["CC6.1"]
#     pci-dss: ["1.3.1"]
#   remediation: >-
#     Turn all four settings of the account's public access block on.
package watchstander.preparation.aws.account_public_access_block

settings := ["BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"]

block := object.get(input.asset.document, "PublicAccessBlock", null)

deny contains "The account has no public access block." if block == null

deny contains msg if {
	block != null
	some setting in settings
	object.get(block, setting, false) == false
	msg := sprintf("%s is off for the account.", [setting])
}
