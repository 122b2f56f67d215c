# METADATA
# title: User pools know MFA
# description: >-
#   A password alone is one phishing mail away from being somebody else's.
# custom:
#   id: aws.user_pool_mfa
#   severity: medium
#   types: [aws.cognito_user_pool]
#   frameworks:
#     nist-800-53: ["IA-2"]
#     soc2: ["CC6.1"]
#     pci-dss: ["8.4.2"]
#   remediation: >-
#     Make MFA optional or required.
package watchstander.preparation.aws.user_pool_mfa

# AWS leaves the field out where it was never set.
deny contains "Users of the pool cannot have MFA." if object.get(input.asset.document, ["UserPool", "MfaConfiguration"], "OFF") == "OFF"
