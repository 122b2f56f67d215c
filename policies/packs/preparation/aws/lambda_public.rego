# METADATA
# title: No function is open to everyone
# description: >-
#   A function that anybody may call runs with your rights for anybody.
# custom:
#   id: aws.lambda_public
#   severity: critical
#   types: [aws.lambda_function]
#   frameworks:
#     nist-800-53: ["AC-3"]
#     soc2: ["CC6.1"]
#     pci-dss: ["7.2.1"]
#   remediation: >-
#     Name the callers, or tie a service to its source account by a condition.
package watchstander.preparation.aws.lambda_public

as_list(value) := value if is_array(value)

as_list(value) := [value] if not is_array(value)

everyone(principal) if principal == "*"

everyone(principal) if "*" in as_list(principal.AWS)

deny contains "The policy lets everyone use the function." if {
	some statement in as_list(input.asset.document.Policy.Statement)
	statement.Effect == "Allow"
	everyone(statement.Principal)
	not statement.Condition
}
