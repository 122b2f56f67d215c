# METADATA
# title: Trails cover every region
# description: >-
#   Intruders work in the regions that nobody uses.
# custom:
#   id: aws.cloudtrail_all_regions
#   severity: medium
#   types: [aws.cloudtrail]
#   terraform_types: [aws_cloudtrail]
#   frameworks:
#     cis-aws: ["3.1"]
#     nist-800-53: ["AU-12"]
#     soc2: ["CC7.2"]
#     pci-dss: ["10.2.1"]
#   remediation: >-
#     Make the trail a multi-region trail.
package watchstander.preparation.aws.cloudtrail_all_regions

deny contains "The trail covers one region only." if input.resource.aws_cloudtrail.main.is_multi_region_trail == false
