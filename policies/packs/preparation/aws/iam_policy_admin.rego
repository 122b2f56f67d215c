# METADATA
# title: No customer policy allows everything
# description: >-
#   A policy that allows every action on everything makes each of its holders a way to own the account.
# custom:
#   id: aws.iam_policy_admin
#   severity: high
#   types: [aws.iam_policy]
#   frameworks:
#     cis-aws: ["1.16"]
#     nist-800-53: ["AC-6"]
#     soc2: ["CC6.3"]
#     pci-dss: ["7.2.1"]
#   remediation: >-
#     Allow the actions that are needed, on the resources they are needed for.
package watchstander.preparation.aws.iam_policy_admin

as_list(value) := value if is_array(value)

as_list(value) := [value] if not is_array(value)

deny contains "The policy allows every action on every resource." if {
	some statement in as_list(input.asset.document.Document.Statement)
	statement.Effect == "Allow"
	"*" in as_list(statement.Action)
	"*" in as_list(statement.Resource)
}
