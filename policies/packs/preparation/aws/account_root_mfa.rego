# METADATA
# title: The root user has MFA
# description: >-
#   Whoever has the root user's password alone must not have the account.
# custom:
#   id: aws.account_root_mfa
#   severity: critical
#   types: [aws.account]
#   frameworks:
#     cis-aws: ["1.5"]
#     nist-800-53: ["IA-2"]
#     soc2: ["CC6.1"]
#     pci-dss: ["8.4.2"]
#   remediation: >-
#     Register a hardware device for the root user and lock it away.
package watchstander.preparation.aws.account_root_mfa

deny contains "The root user signs in without MFA." if input.asset.document.Summary.AccountMFAEnabled == 0

unknown contains "Summary.AccountMFAEnabled is missing" if object.get(input.asset.document, ["Summary", "AccountMFAEnabled"], null) == null
