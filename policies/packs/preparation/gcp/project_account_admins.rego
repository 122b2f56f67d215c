# METADATA
# title: Service accounts do not administer projects
# description: >-
#   Whoever takes over a machine or a pipeline takes over its account.
# custom:
#   id: gcp.project_account_admins
#   severity: high
#   types: [cloudresourcemanager.googleapis.com/Project]
#   frameworks:
#     cis-gcp: ["1.5"]
#     nist-800-53: ["AC-6"]
#     soc2: ["CC6.3"]
#     pci-dss: ["7.2.1"]
#   remediation: >-
#     Give the account the roles its work needs.
package watchstander.preparation.gcp.project_account_admins

broad := {"roles/owner", "roles/editor"}

administers(role) if role in broad

administers(role) if regex.match("(?i)admin$", role)

deny contains msg if {
	some binding in input.asset.document.iamPolicy.bindings
	administers(binding.role)
	some member in binding.members
	regex.match("^serviceAccount:.*(\\.iam\\.gserviceaccount\\.com|-compute@developer\\.gserviceaccount\\.com|@appspot\\.gserviceaccount\\.com)$", member)
	not contains(member, "@gcp-sa-")
	msg := sprintf("%s has %s.", [member, binding.role])
}
