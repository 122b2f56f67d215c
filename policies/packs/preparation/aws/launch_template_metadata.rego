# METADATA
# title: Launch templates ask for IMDSv2
# description: >-
#   An instance is as its template: one line there holds for a thousand machines.
# custom:
#   id: aws.launch_template_metadata
#   severity: medium
#   types: [aws.launch_template]
#   frameworks:
#     cis-aws: ["5.6"]
#     nist-800-53: ["AC-3", "SC-7"]
#     soc2: ["CC6.1"]
#     pci-dss: ["2.2.6"]
#   remediation: >-
#     Set HttpTokens to required in a new version, and make it the default.
package watchstander.preparation.aws.launch_template_metadata

deny contains msg if {
	some version in input.asset.document.Versions
	options := object.get(version, ["LaunchTemplateData", "MetadataOptions"], {})
	object.get(options, "HttpEndpoint", "enabled") == "enabled"
	object.get(options, "HttpTokens", "optional") != "required"
	msg := sprintf("Version %v makes instances with IMDSv1.", [version.VersionNumber])
}
