# METADATA
# title: People use their work accounts
# description: >-
#   A private account is not switched off when the person leaves.
# custom:
#   id: gcp.project_private_accounts
#   severity: high
#   types: [cloudresourcemanager.googleapis.com/Project]
#   frameworks:
#     cis-gcp: ["1.1"]
#     nist-800-53: ["AC-2", "IA-2"]
#     soc2: ["CC6.2"]
#     pci-dss: ["8.2.1"]
#   parameters:
#     domains: [gmail.com, googlemail.com, outlook.com, hotmail.com]
#   remediation: >-
#     Replace the account by one of your organisation's. The parameter `domains` names the private
#     ones.
package watchstander.preparation.gcp.project_private_accounts

deny contains msg if {
	some binding in input.asset.document.iamPolicy.bindings
	some member in binding.members
	startswith(member, "user:")
	some domain in data.parameters.domains
	endswith(lower(member), concat("", ["@", domain]))
	msg := sprintf("%s has %s.", [member, binding.role])
}
