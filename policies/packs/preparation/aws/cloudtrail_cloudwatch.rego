# METADATA
# title: Trails feed an alarm
# description: >-
#   A log that is only stored tells the story when it is over; CloudWatch Logs can alarm on it at
#   once.
# custom:
#   id: aws.cloudtrail_cloudwatch
#   severity: low
#   types: [aws.cloudtrail]
#   frameworks:
#     nist-800-53: ["AU-6", "SI-4"]
#     soc2: ["CC7.2"]
#     pci-dss: ["10.4.1.1"]
#   remediation: >-
#     Let the trail write to a CloudWatch log group too.
package watchstander.preparation.aws.cloudtrail_cloudwatch

# AWS leaves the field out where no group is configured.
deny contains "The trail writes to no CloudWatch log group." if object.get(input.asset.document, "CloudWatchLogsLogGroupArn", "") == ""
