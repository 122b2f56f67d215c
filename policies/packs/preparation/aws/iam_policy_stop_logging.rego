# METADATA
# title: No policy switches the watching off
# description: >-
#   The first thing an intruder wants to do is to stop the logs and the detectors.
# custom:
#   id: aws.iam_policy_stop_logging
#   severity: high
#   types: [aws.iam_policy]
#   frameworks:
#     nist-800-53: ["AC-6"]
#     soc2: ["CC6.3"]
#     pci-dss: ["7.2.1"]
#   remediation: >-
#     Take these actions away from everyone but the security team's own role.
package watchstander.preparation.aws.iam_policy_stop_logging

wanted := {"cloudtrail:stoplogging", "cloudtrail:deletetrail", "guardduty:deletedetector", "config:stopconfigurationrecorder"}

as_list(value) := value if is_array(value)

as_list(value) := [value] if not is_array(value)

deny contains "The policy may switch logs or detectors off." if {
	some statement in as_list(input.asset.document.Document.Statement)
	statement.Effect == "Allow"
	not statement.Condition
	some action in as_list(statement.Action)
	lower(action) in wanted
	"*" in as_list(statement.Resource)
}
