# METADATA
# title: A restored instance is fit for service
# description: >-
#   A restored host goes back into service only without the marks of quarantine, and with IMDSv2.
# custom:
#   id: recovery.aws.ec2_instance_fit
#   severity: high
#   types: [aws.ec2_instance]
#   frameworks:
#     nist-800-53: ["CP-10", "IR-4"]
#     soc2: ["CC7.5"]
#     pci-dss: ["12.10.1"]
#   parameters:
#     quarantine_tag: "watchstander:quarantine"
#     quarantine_group: "quarantine"
#   remediation: >-
#     Remove the quarantine tag and group once the host is clean, and ask for a session token at the
#     metadata service.
package watchstander.recovery.aws.ec2_instance_fit

instance := input.asset.document

deny contains "The instance still carries the quarantine tag." if input.asset.tags[data.parameters.quarantine_tag]

deny contains msg if {
	some group in instance.SecurityGroups
	group.GroupName == data.parameters.quarantine_group
	msg := sprintf("The instance is still in security group %s.", [group.GroupName])
}

deny contains "The metadata service answers without a session token (IMDSv1)." if {
	object.get(instance, ["MetadataOptions", "HttpEndpoint"], "enabled") == "enabled"
	object.get(instance, ["MetadataOptions", "HttpTokens"], "optional") != "required"
}
