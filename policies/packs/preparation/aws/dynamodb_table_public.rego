# METADATA
# title: No table is open to everyone
# description: >-
#   A table that anybody may read can be copied in minutes.
# custom:
#   id: aws.dynamodb_table_public
#   severity: critical
#   types: [aws.dynamodb_table]
#   frameworks:
#     nist-800-53: ["AC-3"]
#     soc2: ["CC6.1"]
#     pci-dss: ["7.2.1"]
#   remediation: >-
#     Name the principals in the table's policy.
package watchstander.preparation.aws.dynamodb_table_public

as_list(value) := value if is_array(value)

as_list(value) := [value] if not is_array(value)

everyone(principal) if principal == "*"

everyone(principal) if "*" in as_list(principal.AWS)

deny contains "The policy lets everyone use the table." if {
	some statement in as_list(input.asset.document.Policy.Statement)
	statement.Effect == "Allow"
	everyone(statement.Principal)
	not statement.Condition
}
