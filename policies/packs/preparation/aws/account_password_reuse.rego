# METADATA
# title: Passwords are not used again
# description: >-
#   A password that leaked once is tried for years.
# custom:
#   id: aws.account_password_reuse
#   severity: medium
#   types: [aws.account]
#   frameworks:
#     cis-aws: ["1.9"]
#     nist-800-53: ["IA-5"]
#     soc2: ["CC6.1"]
#     pci-dss: ["8.3.7"]
#   parameters:
#     min: 24
#   remediation: >-
#     Set the account's password policy; the parameter `min` says how much is enough.
package watchstander.preparation.aws.account_password_reuse

found := object.get(input.asset.document, "PasswordPolicy", null)

deny contains "The account has no password policy." if found == null

deny contains msg if {
	found != null
	value := object.get(found, "PasswordReusePrevention", 0)
	value < data.parameters.min
	msg := sprintf("PasswordReusePrevention is %d.", [value])
}
