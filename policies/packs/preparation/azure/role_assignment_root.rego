# METADATA
# title: Nobody keeps rights at the root of the tenant
# description: >-
#   A global administrator can elevate their access to everything in every subscription; that shows in no subscription's own list
#   of assignments, and stays until it is taken back.
# custom:
#   id: azure.role_assignment_root
#   severity: high
#   types: [microsoft.authorization/roleassignments]
#   frameworks:
#     nist-800-53: ["AC-6"]
#     soc2: ["CC6.3"]
#     pci-dss: ["7.2.2"]
#   remediation: >-
#     Remove the assignment (`az role assignment delete --scope / --assignee PRINCIPAL`), or let its owner switch off "Access management for Azure
#     resources" in Microsoft Entra ID.
package watchstander.preparation.azure.role_assignment_root

properties := input.asset.document.properties

deny contains sprintf("A %s has rights at the root of the tenant, so in every subscription.", [who]) if {
	properties.scope == "/"
	who := lower(object.get(properties, "principalType", "principal"))
}

unknown contains "the assignment's properties are missing" if not input.asset.document.properties

unknown contains "the assignment's scope is missing" if {
	input.asset.document.properties
	not properties.scope
}
