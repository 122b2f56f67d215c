# METADATA
# title: Trails are switched on
# description: >-
#   A trail that was stopped records nothing; stopping it is what intruders do first.
# custom:
#   id: aws.cloudtrail_logging
#   severity: critical
#   types: [aws.cloudtrail]
#   terraform_types: [aws_cloudtrail]
#   frameworks:
#     cis-aws: ["3.1"]
#     nist-800-53: ["AU-2", "AU-12"]
#     soc2: ["CC7.2"]
#     pci-dss: ["10.2.1"]
#   remediation: >-
#     Start logging on the trail, and find out who stopped it.
package watchstander.preparation.aws.cloudtrail_logging

deny contains "The trail does not log." if input.resource.aws_cloudtrail.main.enable_logging == false
