# METADATA
# title: No project switches off what protects it
# description: >-
#   A project may override what its organisation enforces; that is how exceptions become holes.
# custom:
#   id: gcp.project_switches_off
#   severity: medium
#   types: [cloudresourcemanager.googleapis.com/Project]
#   frameworks:
#     nist-800-53: ["CM-6"]
#     soc2: ["CC8.1"]
#     pci-dss: ["2.2.1"]
#   parameters:
#     constraints: [iam.disableServiceAccountKeyCreation, iam.allowedPolicyMemberDomains, compute.requireOsLogin, compute.skipDefaultNetworkCreation, storage.publicAccessPrevention, storage.uniformBucketLevelAccess]
#   remediation: >-
#     Remove the project's own policy, so that what is above it holds; or exempt the project,
#     with an end.
package watchstander.preparation.gcp.project_switches_off

watched := {c | some name in data.parameters.constraints; c := concat("/", ["constraints", name])}

deny contains msg if {
	some set in input.asset.document.orgPolicy
	set.constraint in watched
	lifted(set)
	msg := sprintf("The project lifts %s.", [trim_prefix(set.constraint, "constraints/")])
}

lifted(set) if set.booleanPolicy.enforced == false

lifted(set) if set.listPolicy.allValues == "ALLOW"
