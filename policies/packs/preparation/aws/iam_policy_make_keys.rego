# METADATA
# title: No policy makes keys for anybody
# description: >-
#   Who may make access keys or passwords for other users is every other user.
# custom:
#   id: aws.iam_policy_make_keys
#   severity: high
#   types: [aws.iam_policy]
#   frameworks:
#     nist-800-53: ["AC-6"]
#     soc2: ["CC6.3"]
#     pci-dss: ["7.2.1"]
#   remediation: >-
#     Restrict the resource to the caller's own user: arn:aws:iam::*:user/${aws:username}.
package watchstander.preparation.aws.iam_policy_make_keys

wanted := {"iam:createaccesskey", "iam:createloginprofile", "iam:updateloginprofile"}

as_list(value) := value if is_array(value)

as_list(value) := [value] if not is_array(value)

deny contains "The policy may make credentials for every user." if {
	some statement in as_list(input.asset.document.Document.Statement)
	statement.Effect == "Allow"
	not statement.Condition
	some action in as_list(statement.Action)
	lower(action) in wanted
	"*" in as_list(statement.Resource)
}
