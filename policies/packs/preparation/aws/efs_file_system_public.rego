# METADATA
# title: No file system is open to everyone
# description: >-
#   A file system whose policy lets everyone mount it is guarded by its network alone.
# custom:
#   id: aws.efs_file_system_public
#   severity: medium
#   types: [aws.efs_file_system]
#   frameworks:
#     nist-800-53: ["AC-3"]
#     soc2: ["CC6.1"]
#     pci-dss: ["7.2.1"]
#   remediation: >-
#     Name the roles that mount it, or ask for access through mount targets by a condition.
package watchstander.preparation.aws.efs_file_system_public

as_list(value) := value if is_array(value)

as_list(value) := [value] if not is_array(value)

everyone(principal) if principal == "*"

everyone(principal) if "*" in as_list(principal.AWS)

deny contains "The policy lets everyone use the file system." if {
	some statement in as_list(input.asset.document.Policy.Statement)
	statement.Effect == "Allow"
	everyone(statement.Principal)
	not statement.Condition
}
