# METADATA
# title: Config records in every region
# description: >-
#   Intruders work in the regions that nobody uses; what they make there should be in the history.
# custom:
#   id: aws.config_everywhere
#   severity: medium
#   scope: account
#   joins:
#     aws.region: [EbsEncryptionByDefault]
#     aws.config_configuration_recorder: [Status]
#   frameworks:
#     cis-aws: ["3.3"]
#     nist-800-53: ["AU-12", "CM-8"]
#     soc2: ["CC7.1"]
#     pci-dss: ["12.5.1"]
#   remediation: >-
#     Turn recording on in every region, with a delivery channel.
package watchstander.preparation.aws.config_everywhere

covered contains found.region if {
	some found in data.inventory["aws.config_configuration_recorder"]
	found.document.Status.recording == true
}

deny contains msg if {
	some region in data.inventory["aws.region"]
	not region.region in covered
	msg := sprintf("Config does not record in %s.", [region.region])
}
