# METADATA
# title: The root user's MFA is a device that can be locked away
# description: >-
#   A virtual device lives on somebody's telephone.
# custom:
#   id: aws.iam_root_hardware_mfa
#   severity: medium
#   types: [aws.iam_virtual_mfa_device]
#   frameworks:
#     cis-aws: ["1.6"]
#     nist-800-53: ["IA-2"]
#     soc2: ["CC6.1"]
#     pci-dss: ["8.4.2"]
#   remediation: >-
#     Register a hardware key for the root user and remove the virtual device.
package watchstander.preparation.aws.iam_root_hardware_mfa

deny contains "The root user's MFA device is a virtual one." if {
	endswith(object.get(input.asset.document, "UserArn", ""), ":root")
}
