# METADATA
# title: GuardDuty is on in every region
# description: >-
#   Intruders work in the regions that nobody uses.
# custom:
#   id: aws.guardduty_everywhere
#   severity: high
#   scope: account
#   joins:
#     aws.region: [EbsEncryptionByDefault]
#     aws.guardduty_detector: [Detector]
#   frameworks:
#     nist-800-53: ["SI-4"]
#     soc2: ["CC7.2"]
#     pci-dss: ["11.5.1"]
#   remediation: >-
#     Enable GuardDuty for the whole organisation, in every region.
package watchstander.preparation.aws.guardduty_everywhere

covered contains found.region if {
	some found in data.inventory["aws.guardduty_detector"]
	found.document.Detector.Status == "ENABLED"
}

deny contains msg if {
	some region in data.inventory["aws.region"]
	not region.region in covered
	msg := sprintf("GuardDuty is not on in %s.", [region.region])
}
