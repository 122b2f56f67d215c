# METADATA
# title: A custom role administers locks
# description: >-
#   Locks are of use only where few may take them away; a role of its own says who these are.
# custom:
#   id: azure.role_for_locks
#   severity: low
#   scope: account
#   joins:
#     microsoft.authorization/roledefinitions: [properties]
#   frameworks:
#     cis-azure: ["1.23"]
#     nist-800-53: ["AC-5", "AC-6"]
#     soc2: ["CC6.3"]
#     pci-dss: ["7.2.1"]
#   remediation: >-
#     Make a custom role with Microsoft.Authorization/locks/* and assign it to few.
package watchstander.preparation.azure.role_for_locks

kept if {
	some role in data.inventory["microsoft.authorization/roledefinitions"]
	some permission in role.document.properties.permissions
	some action in permission.actions
	lower(action) == "microsoft.authorization/locks/*"
}

deny contains "No custom role administers locks." if not kept
