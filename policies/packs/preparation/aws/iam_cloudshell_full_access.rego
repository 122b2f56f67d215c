# METADATA
# title: Nobody has all of CloudShell
# description: >-
#   CloudShell can carry files in and out past every control of the network.
# custom:
#   id: aws.iam_cloudshell_full_access
#   severity: low
#   types: [aws.iam_user, aws.iam_role]
#   frameworks:
#     cis-aws: ["1.22"]
#     nist-800-53: ["AC-4", "AC-6"]
#     soc2: ["CC6.3"]
#     pci-dss: ["7.2.1"]
#   remediation: >-
#     Detach AWSCloudShellFullAccess, or allow CloudShell without file transfer.
package watchstander.preparation.aws.iam_cloudshell_full_access

deny contains "AWSCloudShellFullAccess is attached." if {
	some policy in input.asset.document.AttachedManagedPolicies
	endswith(policy.PolicyArn, ":policy/AWSCloudShellFullAccess")
}
