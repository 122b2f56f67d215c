# METADATA
# title: A restored bucket is fit for service
# description: >-
#   A bucket that was opened by an intruder goes back into service closed, with versions, and without
#   the marks of quarantine.
# custom:
#   id: recovery.aws.s3_bucket_fit
#   severity: high
#   types: [aws.s3_bucket]
#   frameworks:
#     nist-800-53: ["CP-10", "IR-4"]
#     soc2: ["CC7.5"]
#     pci-dss: ["12.10.1"]
#   parameters:
#     quarantine_tag: "watchstander:quarantine"
#   remediation: >-
#     Turn the public access block and versioning on, then take the quarantine tag away.
package watchstander.recovery.aws.s3_bucket_fit

deny contains "The bucket still carries the quarantine tag." if input.asset.tags[data.parameters.quarantine_tag]

block := object.get(input.asset.document, "PublicAccessBlock", null)

closed if {
	every setting in ["BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"] {
		block[setting] == true
	}
}

deny contains "The bucket can be made public." if not closed

deny contains "The bucket keeps no versions." if object.get(input.asset.document, ["Versioning", "Status"], "") != "Enabled"
