# METADATA
# title: No secret is open to everyone
# description: >-
#   A secret that everybody may read is none.
# custom:
#   id: aws.secret_public
#   severity: critical
#   types: [aws.secretsmanager_secret]
#   frameworks:
#     nist-800-53: ["AC-3", "IA-5"]
#     soc2: ["CC6.1"]
#     pci-dss: ["8.6.2"]
#   remediation: >-
#     Name the roles that read it, then change the secret.
package watchstander.preparation.aws.secret_public

as_list(value) := value if is_array(value)

as_list(value) := [value] if not is_array(value)

everyone(principal) if principal == "*"

everyone(principal) if "*" in as_list(principal.AWS)

deny contains "The policy lets everyone use the secret." if {
	some statement in as_list(input.asset.document.Policy.Statement)
	statement.Effect == "Allow"
	everyone(statement.Principal)
	not statement.Condition
}
