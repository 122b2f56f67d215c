# METADATA
# title: Tables can be restored to any second
# description: >-
#   What a wrong program overwrites can be had back only from before.
# custom:
#   id: aws.dynamodb_point_in_time
#   severity: medium
#   types: [aws.dynamodb_table]
#   frameworks:
#     nist-800-53: ["CP-9"]
#     soc2: ["A1.2"]
#     pci-dss: ["12.10.1"]
#   remediation: >-
#     Turn point-in-time recovery on.
package watchstander.preparation.aws.dynamodb_point_in_time

deny contains "Point-in-time recovery is off." if input.asset.document.Backups.PointInTimeRecovery != "ENABLED"

unknown contains "Backups.PointInTimeRecovery is missing" if object.get(input.asset.document, ["Backups", "PointInTimeRecovery"], null) == null
