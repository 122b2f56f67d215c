# METADATA
# title: People with a console password have MFA
# description: >-
#   A password alone is one phishing mail away from being somebody else's.
# custom:
#   id: aws.iam_user_mfa
#   severity: high
#   types: [aws.iam_user]
#   frameworks:
#     cis-aws: ["1.10"]
#     nist-800-53: ["IA-2"]
#     soc2: ["CC6.1"]
#     pci-dss: ["8.4.2"]
#   remediation: >-
#     Register an MFA device for the user, or take the console password away.
package watchstander.preparation.aws.iam_user_mfa

user := input.asset.document

deny contains msg if {
	user.LoginProfile != null
	count(user.MFADevices) == 0
	msg := sprintf("User %s signs in to the console without MFA.", [user.UserName])
}
