# METADATA
# title: No key is open to everyone
# description: >-
#   A key that everybody may use protects nothing.
# custom:
#   id: aws.kms_key_policy_public
#   severity: critical
#   types: [aws.kms_key]
#   frameworks:
#     nist-800-53: ["AC-3", "SC-12"]
#     soc2: ["CC6.1"]
#     pci-dss: ["3.6.1"]
#   remediation: >-
#     Name the principals in the key policy, or tie them to your organisation by a condition.
package watchstander.preparation.aws.kms_key_policy_public

as_list(value) := value if is_array(value)

as_list(value) := [value] if not is_array(value)

everyone(principal) if principal == "*"

everyone(principal) if "*" in as_list(principal.AWS)

deny contains "The key policy lets everyone use the key." if {
	some statement in as_list(input.asset.document.Policy.Statement)
	statement.Effect == "Allow"
	everyone(statement.Principal)
	not statement.Condition
}
