# METADATA
# title: People are not owners of a subscription or of what is above it
# description: >-
#   An owner can give rights to anyone, for ever; that is for the few minutes of a break-glass role.
# custom:
#   id: azure.role_assignment_owner
#   severity: medium
#   types: [microsoft.authorization/roleassignments]
#   frameworks:
#     nist-800-53: ["AC-6"]
#     soc2: ["CC6.3"]
#     pci-dss: ["7.2.2"]
#   parameters:
#     roles: [8e3af657-a8ff-443c-a75c-2fe8c4bcb635, owner]
#   remediation: >-
#     Replace the standing assignment by an eligible one in Privileged Identity Management.
package watchstander.preparation.azure.role_assignment_owner

properties := input.asset.document.properties

# Not a resource group or a resource in it.
whole(scope) := "of the whole subscription" if regex.match("(?i)^/subscriptions/[^/]+/?$", scope)

whole(scope) := "of every subscription below the management group" if {
	regex.match("(?i)^/providers/microsoft\\.management/managementgroups/[^/]+/?$", scope)
}

whole("/") := "of the whole tenant"

deny contains sprintf("A person is owner %s.", [whole(properties.scope)]) if {
	properties.principalType == "User"
	some role in data.parameters.roles
	endswith(lower(properties.roleDefinitionId), concat("", ["/", role]))
}

unknown contains "the assignment's properties are missing" if not input.asset.document.properties

unknown contains "the assignment's scope is missing" if {
	input.asset.document.properties
	not properties.scope
}
