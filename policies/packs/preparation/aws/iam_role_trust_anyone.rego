# METADATA
# title: No role trusts everyone
# description: >-
#   A role that anybody may assume belongs to anybody.
# custom:
#   id: aws.iam_role_trust_anyone
#   severity: critical
#   types: [aws.iam_role]
#   frameworks:
#     nist-800-53: ["AC-3", "AC-6"]
#     soc2: ["CC6.3"]
#     pci-dss: ["7.2.1"]
#   remediation: >-
#     Name the accounts, roles or services that may assume the role, and ask for an external id where it
#     is another company's.
package watchstander.preparation.aws.iam_role_trust_anyone

as_list(value) := value if is_array(value)

as_list(value) := [value] if not is_array(value)

everyone(principal) if principal == "*"

everyone(principal) if "*" in as_list(principal.AWS)

deny contains "Anyone in any AWS account may assume the role." if {
	some statement in as_list(input.asset.document.AssumeRolePolicyDocument.Statement)
	statement.Effect == "Allow"
	everyone(statement.Principal)
	not statement.Condition
}
