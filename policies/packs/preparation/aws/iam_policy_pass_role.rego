# METADATA
# title: No policy passes every role
# description: >-
#   Who may hand any role to a service can have what any role has.
# custom:
#   id: aws.iam_policy_pass_role
#   severity: high
#   types: [aws.iam_policy]
#   frameworks:
#     nist-800-53: ["AC-6"]
#     soc2: ["CC6.3"]
#     pci-dss: ["7.2.1"]
#   remediation: >-
#     Name the roles that may be passed, and the services they may be passed to.
package watchstander.preparation.aws.iam_policy_pass_role

wanted := {"iam:passrole", "iam:*"}

as_list(value) := value if is_array(value)

as_list(value) := [value] if not is_array(value)

deny contains "The policy may pass every role." if {
	some statement in as_list(input.asset.document.Document.Statement)
	statement.Effect == "Allow"
	not statement.Condition
	some action in as_list(statement.Action)
	lower(action) in wanted
	"*" in as_list(statement.Resource)
}
