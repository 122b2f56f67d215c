# METADATA
# title: No policy assumes every role
# description: >-
#   A role is only as closed as the permission to assume it.
# custom:
#   id: aws.iam_policy_assume_any
#   severity: medium
#   types: [aws.iam_policy]
#   frameworks:
#     nist-800-53: ["AC-6"]
#     soc2: ["CC6.3"]
#     pci-dss: ["7.2.1"]
#   remediation: >-
#     Name the roles that may be assumed.
package watchstander.preparation.aws.iam_policy_assume_any

wanted := {"sts:assumerole", "sts:*"}

as_list(value) := value if is_array(value)

as_list(value) := [value] if not is_array(value)

deny contains "The policy may assume every role." if {
	some statement in as_list(input.asset.document.Document.Statement)
	statement.Effect == "Allow"
	not statement.Condition
	some action in as_list(statement.Action)
	lower(action) in wanted
	"*" in as_list(statement.Resource)
}
