# METADATA
# title: Config delivers what it records
# description: >-
#   A recorder whose bucket refuses it looks switched on and stores nothing.
# custom:
#   id: aws.config_delivery
#   severity: medium
#   types: [aws.config_delivery_channel]
#   frameworks:
#     cis-aws: ["3.3"]
#     nist-800-53: ["AU-5"]
#     soc2: ["CC7.2"]
#     pci-dss: ["10.7.2"]
#   remediation: >-
#     Repair the bucket policy or the key policy.
package watchstander.preparation.aws.config_delivery

deny contains msg if {
	some part in ["History", "Snapshot", "Stream"]
	input.asset.document.Status[part] in {"FAILURE", "Failure"}
	msg := sprintf("%s could not be delivered.", [part])
}
