# METADATA
# title: Passwords are long
# description: >-
#   Length is what makes guessing expensive.
# custom:
#   id: aws.account_password_length
#   severity: medium
#   types: [aws.account]
#   frameworks:
#     cis-aws: ["1.8"]
#     nist-800-53: ["IA-5"]
#     soc2: ["CC6.1"]
#     pci-dss: ["8.3.6"]
#   parameters:
#     min: 14
#   remediation: >-
#     Set the account's password policy; the parameter `min` says how much is enough.
package watchstander.preparation.aws.account_password_length

found := object.get(input.asset.document, "PasswordPolicy", null)

deny contains "The account has no password policy." if found == null

deny contains msg if {
	found != null
	value := object.get(found, "MinimumPasswordLength", 0)
	value < data.parameters.min
	msg := sprintf("MinimumPasswordLength is %d.", [value])
}
