# METADATA
# title: Secrets change by themselves
# description: >-
#   A secret that nobody changes is known to everybody who ever worked here.
# custom:
#   id: aws.secret_rotation
#   severity: low
#   types: [aws.secretsmanager_secret]
#   frameworks:
#     nist-800-53: ["IA-5"]
#     soc2: ["CC6.1"]
#     pci-dss: ["8.6.3"]
#   remediation: >-
#     Set up rotation, or let the database manage its own secret.
package watchstander.preparation.aws.secret_rotation

# AWS leaves the field out where it was never set.
deny contains "The secret does not change by itself." if object.get(input.asset.document, "RotationEnabled", false) != true
