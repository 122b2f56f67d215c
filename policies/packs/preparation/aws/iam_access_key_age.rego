# METADATA
# title: Access keys are not old
# description: >-
#   The older a key, the more places it has been copied to.
# custom:
#   id: aws.iam_access_key_age
#   severity: medium
#   types: [aws.iam_access_key]
#   frameworks:
#     cis-aws: ["1.14"]
#     nist-800-53: ["IA-5"]
#     soc2: ["CC6.1"]
#     pci-dss: ["8.3.9"]
#   parameters:
#     max_days: 90
#   remediation: >-
#     Make a new key, change to it, and deactivate the old one. The parameter `max_days` says how old a
#     key may be.
package watchstander.preparation.aws.iam_access_key_age

key := input.asset.document

day := ((24 * 60) * 60) * 1000000000

deny contains msg if {
	key.Status == "Active"
	age := floor((time.parse_rfc3339_ns(input.context.now) - time.parse_rfc3339_ns(key.CreateDate)) / day)
	age > data.parameters.max_days
	msg := sprintf("The access key is %d days old.", [age])
}
