# METADATA
# title: Credentials that nobody uses are disabled
# description: >-
#   Nobody notices when a forgotten password or key is used by somebody else.
# custom:
#   id: aws.iam_credentials_unused
#   severity: medium
#   types: [aws.iam_credentials]
#   frameworks:
#     cis-aws: ["1.12"]
#     nist-800-53: ["AC-2", "IA-5"]
#     soc2: ["CC6.2"]
#     pci-dss: ["8.2.6"]
#   parameters:
#     max_days: 45
#   remediation: >-
#     Disable the password or deactivate the key. The parameter `max_days` says how long unused is too
#     long.
package watchstander.preparation.aws.iam_credentials_unused

row := input.asset.document

day := ((24 * 60) * 60) * 1000000000

# What was never used counts from when it was made.
last_used(uses, made) := uses if not uses in {"N/A", "no_information"}

last_used(uses, made) := made if uses in {"N/A", "no_information"}

used contains ["the password", last_used(row.password_last_used, row.password_last_changed)] if row.password_enabled == "true"

used contains ["access key 1", last_used(row.access_key_1_last_used_date, row.access_key_1_last_rotated)] if row.access_key_1_active == "true"

used contains ["access key 2", last_used(row.access_key_2_last_used_date, row.access_key_2_last_rotated)] if row.access_key_2_active == "true"

deny contains msg if {
	some [what, since] in used
	days := floor((time.parse_rfc3339_ns(input.context.now) - time.parse_rfc3339_ns(since)) / day)
	days > data.parameters.max_days
	msg := sprintf("Nobody has used %s for %d days.", [what, days])
}
