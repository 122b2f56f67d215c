# METADATA
# title: The organisation forbids keys of service accounts
# description: >-
#   A key that is downloaded leaks sooner or later; what cannot be made cannot leak.
# custom:
#   id: gcp.organization_account_keys
#   severity: medium
#   types: [cloudresourcemanager.googleapis.com/Organization]
#   frameworks:
#     cis-gcp: ["1.4"]
#     nist-800-53: ["IA-5"]
#     soc2: ["CC6.1"]
#     pci-dss: ["8.6.3"]
#   parameters:
#     constraint: iam.disableServiceAccountKeyCreation
#   remediation: >-
#     Enforce the constraint iam.disableServiceAccountKeyCreation on the organisation.
package watchstander.preparation.gcp.organization_account_keys

enforced if {
	some set in input.asset.document.orgPolicy
	set.constraint == concat("/", ["constraints", data.parameters.constraint])
	set.booleanPolicy.enforced == true
}

deny contains sprintf("The organisation does not enforce %s.", [data.parameters.constraint]) if not enforced
