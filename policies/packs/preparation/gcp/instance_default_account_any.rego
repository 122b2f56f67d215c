# METADATA
# title: Instances have a service account of their own
# description: >-
#   Many machines under one account cannot be told apart in the log, nor shut out one by one.
# custom:
#   id: gcp.instance_default_account_any
#   severity: low
#   types: [compute.googleapis.com/Instance]
#   frameworks:
#     cis-gcp: ["4.1"]
#     nist-800-53: ["AC-2", "AC-6"]
#     soc2: ["CC6.3"]
#     pci-dss: ["8.6.1"]
#   remediation: >-
#     Give each kind of instance a service account of its own.
package watchstander.preparation.gcp.instance_default_account_any

asset := input.asset.document.resource.data

deny contains msg if {
	some account in asset.serviceAccounts
	endswith(account.email, "-compute@developer.gserviceaccount.com")
	msg := sprintf("The instance runs as the project's default account %s.", [account.email])
}

unknown contains "the instance's name is missing" if not asset.name
