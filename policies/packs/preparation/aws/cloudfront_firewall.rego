# METADATA
# title: Distributions have a web firewall
# description: >-
#   The firewall stops known attacks before they reach the application.
# custom:
#   id: aws.cloudfront_firewall
#   severity: low
#   types: [aws.cloudfront_distribution]
#   frameworks:
#     nist-800-53: ["SC-7", "SI-4"]
#     soc2: ["CC6.6"]
#     pci-dss: ["6.4.2"]
#   remediation: >-
#     Associate a web ACL with the distribution.
package watchstander.preparation.aws.cloudfront_firewall

# AWS leaves the field out where it was never set.
deny contains "The distribution has no web ACL." if object.get(input.asset.document, ["Config", "WebACLId"], "") == ""
