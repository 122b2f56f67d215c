# METADATA
# title: No user is an administrator all day
# description: >-
#   Administration is done by roles that are taken for an hour, not by a user whose key may leak.
# custom:
#   id: aws.iam_user_admin
#   severity: high
#   types: [aws.iam_user]
#   frameworks:
#     cis-aws: ["1.16"]
#     nist-800-53: ["AC-6"]
#     soc2: ["CC6.3"]
#     pci-dss: ["7.2.1"]
#   remediation: >-
#     Detach AdministratorAccess and make a role of it that asks for MFA.
package watchstander.preparation.aws.iam_user_admin

deny contains "AdministratorAccess is attached to the user." if {
	some policy in input.asset.document.AttachedManagedPolicies
	endswith(policy.PolicyArn, ":policy/AdministratorAccess")
}
