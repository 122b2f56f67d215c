# METADATA
# title: A user whose key leaked is fit for service
# description: >-
#   The leaked key is gone, not only switched off; and whoever signs in again does it with MFA.
# custom:
#   id: recovery.aws.iam_user_fit
#   severity: high
#   types: [aws.iam_user]
#   frameworks:
#     nist-800-53: ["IA-5", "IR-4"]
#     soc2: ["CC7.5"]
#     pci-dss: ["12.10.1"]
#   parameters:
#     quarantine_tag: "watchstander:quarantine"
#   remediation: >-
#     Delete the deactivated keys, register MFA, then take the quarantine tag away.
package watchstander.recovery.aws.iam_user_fit

deny contains "The user still carries the quarantine tag." if input.asset.tags[data.parameters.quarantine_tag]

user := input.asset.document

deny contains msg if {
	some key in user.AccessKeys
	key.Status == "Inactive"
	msg := sprintf("The deactivated key %s is still there.", [key.AccessKeyId])
}

deny contains "The user signs in without MFA." if {
	user.LoginProfile != null
	count(user.MFADevices) == 0
}
