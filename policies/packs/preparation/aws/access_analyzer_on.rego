# METADATA
# title: Access Analyzer is at work
# description: >-
#   It finds what you share with strangers without knowing.
# custom:
#   id: aws.access_analyzer_on
#   severity: medium
#   types: [aws.accessanalyzer_analyzer]
#   frameworks:
#     cis-aws: ["1.20"]
#     nist-800-53: ["AC-6", "CA-7"]
#     soc2: ["CC6.3"]
#     pci-dss: ["7.2.1"]
#   remediation: >-
#     Make the analyzer anew, and look why it was disabled.
package watchstander.preparation.aws.access_analyzer_on

deny contains "The analyzer is not active." if input.asset.document.status != "ACTIVE"

unknown contains "status is missing" if object.get(input.asset.document, ["status"], null) == null
