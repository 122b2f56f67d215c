# METADATA
# title: Somebody may talk to AWS Support
# description: >-
#   In an incident there is no time to find out who may open a case.
# custom:
#   id: aws.support_role
#   severity: low
#   scope: account
#   joins:
#     aws.iam_role: [AttachedManagedPolicies]
#     aws.iam_group: [AttachedManagedPolicies]
#   frameworks:
#     cis-aws: ["1.17"]
#     nist-800-53: ["IR-4"]
#     soc2: ["CC7.4"]
#     pci-dss: ["12.10.5"]
#   remediation: >-
#     Attach AWSSupportAccess to a role or group of those who handle incidents.
package watchstander.preparation.aws.support_role

may if {
	some type in ["aws.iam_role", "aws.iam_group"]
	some holder in holders[type]
	some policy in holder.document.AttachedManagedPolicies
	endswith(policy.PolicyArn, ":policy/AWSSupportAccess")
}

holders := {
	"aws.iam_role": data.inventory["aws.iam_role"],
	"aws.iam_group": data.inventory["aws.iam_group"],
}

deny contains "Nobody has AWSSupportAccess." if not may
