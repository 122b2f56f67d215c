# METADATA
# title: Users get their permissions from groups
# description: >-
#   Permissions given to one user by hand are forgotten when the person changes desks.
# custom:
#   id: aws.iam_user_policies_by_group
#   severity: low
#   types: [aws.iam_user]
#   frameworks:
#     cis-aws: ["1.15"]
#     nist-800-53: ["AC-2", "AC-6"]
#     soc2: ["CC6.3"]
#     pci-dss: ["7.2.2"]
#   remediation: >-
#     Attach the policy to a group and put the user into it.
package watchstander.preparation.aws.iam_user_policies_by_group

user := input.asset.document

direct := array.concat(object.get(user, "AttachedManagedPolicies", []), object.get(user, "UserPolicyList", []))

deny contains msg if {
	some policy in direct
	msg := sprintf("Policy %s is the user's own.", [policy.PolicyName])
}
