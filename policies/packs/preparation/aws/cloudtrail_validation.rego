# METADATA
# title: Trails prove their log files
# description: >-
#   Without validation nobody can tell whether log files were changed or removed.
# custom:
#   id: aws.cloudtrail_validation
#   severity: medium
#   types: [aws.cloudtrail]
#   terraform_types: [aws_cloudtrail]
#   frameworks:
#     cis-aws: ["3.2"]
#     nist-800-53: ["AU-9", "AU-10"]
#     soc2: ["CC7.2"]
#     pci-dss: ["10.3.4"]
#   remediation: >-
#     Turn log file validation on.
package watchstander.preparation.aws.cloudtrail_validation

deny contains "Log file validation is off." if input.resource.aws_cloudtrail.main.enable_log_file_validation == false
