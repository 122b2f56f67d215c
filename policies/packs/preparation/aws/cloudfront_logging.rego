# METADATA
# title: Distributions log requests
# description: >-
#   Request logs show what was asked for, from where.
# custom:
#   id: aws.cloudfront_logging
#   severity: low
#   types: [aws.cloudfront_distribution]
#   frameworks:
#     nist-800-53: ["AU-2", "AU-12"]
#     soc2: ["CC7.2"]
#     pci-dss: ["10.2.1"]
#   remediation: >-
#     Turn standard logging on.
package watchstander.preparation.aws.cloudfront_logging

# AWS leaves the field out where it was never set.
deny contains "The distribution does not log." if object.get(input.asset.document, ["Config", "Logging", "Enabled"], false) != true
