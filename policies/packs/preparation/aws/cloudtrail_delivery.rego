# METADATA
# title: Trails deliver what they record
# description: >-
#   A trail whose bucket refuses it looks switched on and stores nothing.
# custom:
#   id: aws.cloudtrail_delivery
#   severity: high
#   types: [aws.cloudtrail]
#   frameworks:
#     cis-aws: ["3.1"]
#     nist-800-53: ["AU-5"]
#     soc2: ["CC7.2"]
#     pci-dss: ["10.7.2"]
#   remediation: >-
#     Repair the bucket policy or the key policy that the error names.
package watchstander.preparation.aws.cloudtrail_delivery

deny contains msg if {
	error := object.get(input.asset.document, ["Status", "LatestDeliveryError"], null)
	not error in {null, ""}
	msg := sprintf("The last delivery failed: %s.", [error])
}
