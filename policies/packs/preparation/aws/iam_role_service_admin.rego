# METADATA
# title: No service runs as administrator
# description: >-
#   Whoever takes over a machine or a function takes over its role.
# custom:
#   id: aws.iam_role_service_admin
#   severity: high
#   types: [aws.iam_role]
#   frameworks:
#     nist-800-53: ["AC-6"]
#     soc2: ["CC6.3"]
#     pci-dss: ["7.2.1"]
#   remediation: >-
#     Give the role the actions its service needs.
package watchstander.preparation.aws.iam_role_service_admin

role := input.asset.document

as_list(value) := value if is_array(value)

as_list(value) := [value] if not is_array(value)

for_a_service if {
	some statement in as_list(role.AssumeRolePolicyDocument.Statement)
	statement.Principal.Service
}

deny contains "A service may assume this role, and it is an administrator." if {
	for_a_service
	some policy in role.AttachedManagedPolicies
	endswith(policy.PolicyArn, ":policy/AdministratorAccess")
}
