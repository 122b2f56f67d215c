# METADATA
# title: Default security groups let nothing through
# description: >-
#   What is started in haste lands in the default group; it should then reach nothing.
# custom:
#   id: aws.security_group_default_closed
#   severity: medium
#   types: [aws.security_group]
#   frameworks:
#     cis-aws: ["5.4"]
#     nist-800-53: ["SC-7"]
#     soc2: ["CC6.6"]
#     pci-dss: ["1.3.1"]
#   remediation: >-
#     Remove every rule of the default group.
package watchstander.preparation.aws.security_group_default_closed

group := input.asset.document

deny contains msg if {
	group.GroupName == "default"
	rules := count(group.IpPermissions) + count(group.IpPermissionsEgress)
	rules > 0
	msg := sprintf("The default group has %d rules.", [rules])
}
