# METADATA
# title: People sign in, programs have keys
# description: >-
#   A person's key lies on a laptop; a program's password is never changed. Whoever has both has two
#   ways to lose them.
# custom:
#   id: aws.iam_user_console_or_keys
#   severity: low
#   types: [aws.iam_user]
#   frameworks:
#     cis-aws: ["1.11"]
#     nist-800-53: ["IA-2", "IA-5"]
#     soc2: ["CC6.1"]
#     pci-dss: ["8.6.1"]
#   remediation: >-
#     Take the keys away and let the person use federated, short sessions.
package watchstander.preparation.aws.iam_user_console_or_keys

user := input.asset.document

deny contains "The user has a console password and an access key." if {
	user.LoginProfile != null
	some key in user.AccessKeys
	key.Status == "Active"
}
