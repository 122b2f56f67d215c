# METADATA
# title: Nobody may be every service account
# description: >-
#   Who may act as, or make tokens for, every account of a project has what all of them have.
# custom:
#   id: gcp.project_impersonation
#   severity: high
#   types: [cloudresourcemanager.googleapis.com/Project]
#   frameworks:
#     cis-gcp: ["1.6"]
#     nist-800-53: ["AC-6"]
#     soc2: ["CC6.3"]
#     pci-dss: ["7.2.1"]
#   remediation: >-
#     Grant the role on single service accounts instead of on the project.
package watchstander.preparation.gcp.project_impersonation

wide := {"roles/iam.serviceAccountUser", "roles/iam.serviceAccountTokenCreator"}

deny contains msg if {
	some binding in input.asset.document.iamPolicy.bindings
	binding.role in wide
	some member in binding.members
	msg := sprintf("%s may act as every service account of the project.", [member])
}
