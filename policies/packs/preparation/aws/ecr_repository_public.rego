# METADATA
# title: No private repository is open to everyone
# description: >-
#   Images hold code, and often secrets.
# custom:
#   id: aws.ecr_repository_public
#   severity: high
#   types: [aws.ecr_repository]
#   frameworks:
#     nist-800-53: ["AC-3"]
#     soc2: ["CC6.1"]
#     pci-dss: ["7.2.1"]
#   remediation: >-
#     Name the accounts that pull, or tie them to your organisation by a condition.
package watchstander.preparation.aws.ecr_repository_public

as_list(value) := value if is_array(value)

as_list(value) := [value] if not is_array(value)

everyone(principal) if principal == "*"

everyone(principal) if "*" in as_list(principal.AWS)

deny contains "The policy lets everyone use the repository." if {
	some statement in as_list(input.asset.document.Policy.Statement)
	statement.Effect == "Allow"
	everyone(statement.Principal)
	not statement.Condition
}
