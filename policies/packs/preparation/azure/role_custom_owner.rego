# METADATA
# title: No custom role may do everything
# description: >-
#   A custom role with every action is an owner that no list of owners shows.
# custom:
#   id: azure.role_custom_owner
#   severity: high
#   types: [microsoft.authorization/roledefinitions]
#   frameworks:
#     cis-azure: ["1.22"]
#     nist-800-53: ["AC-6"]
#     soc2: ["CC6.3"]
#     pci-dss: ["7.2.1"]
#   remediation: >-
#     Name the actions that are needed, or assign the built-in role openly.
package watchstander.preparation.azure.role_custom_owner

properties := input.asset.document.properties

deny contains msg if {
	some permission in properties.permissions
	"*" in permission.actions
	msg := sprintf("The custom role %s may do everything.", [object.get(properties, "roleName", input.asset.name)])
}

unknown contains "the properties are missing" if not input.asset.document.properties
