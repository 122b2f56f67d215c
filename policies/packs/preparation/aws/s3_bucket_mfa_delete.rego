# METADATA
# title: Versions cannot be deleted without MFA
# description: >-
#   Versions help against ransomware only as long as it cannot delete them.
# custom:
#   id: aws.s3_bucket_mfa_delete
#   severity: low
#   types: [aws.s3_bucket]
#   frameworks:
#     cis-aws: ["2.1.2"]
#     nist-800-53: ["CP-9", "SI-12"]
#     soc2: ["A1.2"]
#     pci-dss: ["10.3.3"]
#   remediation: >-
#     Turn MFA delete on with the root user, or use object lock.
package watchstander.preparation.aws.s3_bucket_mfa_delete

deny contains "Versions can be deleted without MFA." if {
	object.get(input.asset.document, ["Versioning", "Status"], "") == "Enabled"
	object.get(input.asset.document, ["Versioning", "MFADelete"], "Disabled") != "Enabled"
}
