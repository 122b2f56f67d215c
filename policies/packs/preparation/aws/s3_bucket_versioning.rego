# METADATA
# title: S3 buckets keep versions
# description: >-
#   What ransomware or a wrong script overwrites can be had back only from an earlier version.
# custom:
#   id: aws.s3_bucket_versioning
#   severity: medium
#   types: [aws.s3_bucket]
#   frameworks:
#     nist-800-53: ["CP-9", "SI-12"]
#     soc2: ["A1.2"]
#     pci-dss: ["10.3.3"]
#   remediation: >-
#     Enable versioning, with a lifecycle rule that ends old versions.
package watchstander.preparation.aws.s3_bucket_versioning

status := object.get(input.asset.document, ["Versioning", "Status"], "never enabled")

deny contains msg if {
	status != "Enabled"
	msg := sprintf("Versioning is %v.", [status])
}
