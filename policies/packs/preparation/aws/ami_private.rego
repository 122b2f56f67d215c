# METADATA
# title: Images are not public
# description: >-
#   A public image can be copied by anyone, once, and for ever.
# custom:
#   id: aws.ami_private
#   severity: critical
#   types: [aws.ami]
#   frameworks:
#     nist-800-53: ["AC-3"]
#     soc2: ["CC6.1"]
#     pci-dss: ["7.2.1"]
#   remediation: >-
#     Take the launch permission for group `all` away.
package watchstander.preparation.aws.ami_private

deny contains "Anyone may launch the image." if {
	some permission in input.asset.document.LaunchPermissions
	permission.Group == "all"
}
