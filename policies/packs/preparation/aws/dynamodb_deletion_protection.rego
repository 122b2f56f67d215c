# METADATA
# title: Tables are protected against deletion
# description: >-
#   One wrong call, or one intruder's, deletes a table in a minute.
# custom:
#   id: aws.dynamodb_deletion_protection
#   severity: low
#   types: [aws.dynamodb_table]
#   frameworks:
#     nist-800-53: ["CP-9", "SI-12"]
#     soc2: ["A1.2"]
#     pci-dss: ["10.3.3"]
#   remediation: >-
#     Turn deletion protection on.
package watchstander.preparation.aws.dynamodb_deletion_protection

# AWS leaves the field out where it was never set.
deny contains "The table can be deleted in one step." if object.get(input.asset.document, ["Table", "DeletionProtectionEnabled"], false) != true
