# METADATA
# title: Users have one active key
# description: >-
#   A second key is one that nobody notices when it is used.
# custom:
#   id: aws.iam_user_one_key
#   severity: low
#   types: [aws.iam_user]
#   frameworks:
#     cis-aws: ["1.13"]
#     nist-800-53: ["AC-2", "IA-5"]
#     soc2: ["CC6.1"]
#     pci-dss: ["8.2.2"]
#   remediation: >-
#     Deactivate the key that is used less, and delete it when nothing broke.
package watchstander.preparation.aws.iam_user_one_key

active contains key.AccessKeyId if {
	some key in input.asset.document.AccessKeys
	key.Status == "Active"
}

deny contains msg if {
	count(active) > 1
	msg := sprintf("The user has %d active access keys.", [count(active)])
}
