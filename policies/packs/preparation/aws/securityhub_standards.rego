# METADATA
# title: Security Hub checks by a standard
# description: >-
#   Security Hub without a standard collects and checks nothing of its own.
# custom:
#   id: aws.securityhub_standards
#   severity: medium
#   types: [aws.securityhub_account]
#   frameworks:
#     cis-aws: ["4.16"]
#     nist-800-53: ["CA-7", "SI-4"]
#     soc2: ["CC7.1"]
#     pci-dss: ["11.5.1"]
#   remediation: >-
#     Enable a standard, for example AWS Foundational Security Best Practices.
package watchstander.preparation.aws.securityhub_standards

deny contains "No standard is enabled." if count(object.get(input.asset.document, "Standards", [])) == 0
