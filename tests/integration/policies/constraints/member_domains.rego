# METADATA
# title: Members of policies come from known domains
# custom:
#   id: house.member_domains
#   severity: high
#   types: ["*"]
#   parameters:
#     domains: []
#     sub_domains: true
#     member_types: [projectOwner, projectEditor, projectViewer]
package house.member_domains

members contains member if some member in input.asset.document.iamPolicy.bindings[_].members

# A member of these types stands for a role in a project, and has no domain.
exempt(member) if split(member, ":")[0] in data.parameters.member_types

domain(member) := regex.replace(split(member, ":")[1], "^.*@", "")

known(member) if domain(member) in data.parameters.domains

known(member) if {
	data.parameters.sub_domains
	some one in data.parameters.domains
	endswith(domain(member), concat("", [".", one]))
}

deny contains sprintf("%s is of a domain that is not known.", [member]) if {
	some member in members
	not exempt(member)
	not known(member)
}
