# METADATA
# title: The root user has no access keys
# description: >-
#   A key of the root user can do everything, and no policy can limit it.
# custom:
#   id: aws.account_root_access_key
#   severity: critical
#   types: [aws.account]
#   frameworks:
#     cis-aws: ["1.4"]
#     nist-800-53: ["AC-6", "IA-2"]
#     soc2: ["CC6.1"]
#     pci-dss: ["8.2.2"]
#   remediation: >-
#     Delete the root user's keys after finding out what used them.
package watchstander.preparation.aws.account_root_access_key

deny contains "The root user has an access key." if input.asset.document.Summary.AccountAccessKeysPresent > 0

unknown contains "Summary.AccountAccessKeysPresent is missing" if object.get(input.asset.document, ["Summary", "AccountAccessKeysPresent"], null) == null
