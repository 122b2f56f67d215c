# METADATA
# title: Security Hub is on in every region
# description: >-
#   Findings of a region come together only where the hub is on.
# custom:
#   id: aws.securityhub_everywhere
#   severity: medium
#   scope: account
#   joins:
#     aws.region: [EbsEncryptionByDefault]
#     aws.securityhub_account: [Standards]
#   frameworks:
#     cis-aws: ["4.16"]
#     nist-800-53: ["CA-7", "SI-4"]
#     soc2: ["CC7.1"]
#     pci-dss: ["11.5.1"]
#   remediation: >-
#     Enable Security Hub with a standard for the whole organisation, in every region.
package watchstander.preparation.aws.securityhub_everywhere

covered contains found.region if {
	some found in data.inventory["aws.securityhub_account"]
	count(found.document.Standards) > 0
}

deny contains msg if {
	some region in data.inventory["aws.region"]
	not region.region in covered
	msg := sprintf("Security Hub does not check in %s.", [region.region])
}
