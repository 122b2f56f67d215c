# METADATA
# title: Access Analyzer is at work in every region
# description: >-
#   What is shared with strangers is found region by region.
# custom:
#   id: aws.access_analyzer_everywhere
#   severity: medium
#   scope: account
#   joins:
#     aws.region: [EbsEncryptionByDefault]
#     aws.accessanalyzer_analyzer: [status]
#   frameworks:
#     cis-aws: ["1.20"]
#     nist-800-53: ["AC-6", "CA-7"]
#     soc2: ["CC6.3"]
#     pci-dss: ["7.2.1"]
#   remediation: >-
#     Make an analyzer in every region, best for the whole organisation.
package watchstander.preparation.aws.access_analyzer_everywhere

covered contains found.region if {
	some found in data.inventory["aws.accessanalyzer_analyzer"]
	found.document.status == "ACTIVE"
}

deny contains msg if {
	some region in data.inventory["aws.region"]
	not region.region in covered
	msg := sprintf("There is no active analyzer in %s.", [region.region])
}
