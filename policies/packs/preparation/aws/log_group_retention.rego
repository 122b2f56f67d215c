# METADATA
# title: Log groups keep logs for a quarter
# description: >-
#   Intruders are found after weeks; logs must still be there then.
# custom:
#   id: aws.log_group_retention
#   severity: medium
#   types: [aws.cloudwatch_log_group]
#   frameworks:
#     nist-800-53: ["AU-11"]
#     soc2: ["CC7.3"]
#     pci-dss: ["10.5.1"]
#   parameters:
#     min_days: 90
#   remediation: >-
#     Keep the group's logs for 90 days or longer. The parameter `min_days` says how long is enough.
package watchstander.preparation.aws.log_group_retention

# Without a number logs are kept for ever.
deny contains msg if {
	days := object.get(input.asset.document, "retentionInDays", null)
	days != null
	days < data.parameters.min_days
	msg := sprintf("Logs are kept for %d days.", [days])
}
