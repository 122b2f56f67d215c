# METADATA
# title: KMS keys rotate
# description: >-
#   Rotation bounds how much a key that leaked can decrypt.
# custom:
#   id: aws.kms_key_rotation
#   severity: low
#   types: [aws.kms_key]
#   frameworks:
#     cis-aws: ["3.6"]
#     nist-800-53: ["SC-12"]
#     soc2: ["CC6.1"]
#     pci-dss: ["3.7.4"]
#   remediation: >-
#     Turn yearly rotation on.
package watchstander.preparation.aws.kms_key_rotation

# The question makes sense only for symmetric keys of the customer's own; for others the answer is null.
deny contains "The key does not rotate." if input.asset.document.KeyRotationEnabled == false
