# METADATA
# title: Instances do not run as the default service account with full access
# description: >-
#   The default account may edit the whole project; whoever takes the instance over then may too.
# custom:
#   id: gcp.instance_default_account
#   severity: high
#   types: [compute.googleapis.com/Instance]
#   terraform_types: [google_compute_instance]
#   frameworks:
#     cis-gcp: ["4.2"]
#     nist-800-53: ["AC-6"]
#     soc2: ["CC6.3"]
#     pci-dss: ["7.2.1"]
#   remediation: >-
#     Give the instance a service account of its own with the roles it needs.
package watchstander.preparation.gcp.instance_default_account

full := "https://www.googleapis.com/auth/cloud-platform"

deny contains msg if {
	some account in input.resource.google_compute_instance.main.service_account
	endswith(account.email, "-compute@developer.gserviceaccount.com")
	full in account.scopes
	msg := sprintf("The instance runs as %s with full access.", [account.email])
}
