# METADATA
# title: Database clusters are protected against deletion
# description: >-
#   One wrong call, or one intruder's, deletes a cluster in a minute.
# custom:
#   id: aws.rds_cluster_deletion_protection
#   severity: medium
#   types: [aws.rds_cluster]
#   frameworks:
#     nist-800-53: ["CP-9", "SI-12"]
#     soc2: ["A1.2"]
#     pci-dss: ["10.3.3"]
#   remediation: >-
#     Turn deletion protection on.
package watchstander.preparation.aws.rds_cluster_deletion_protection

deny contains "The cluster can be deleted in one step." if input.asset.document.DeletionProtection == false

unknown contains "DeletionProtection is missing" if object.get(input.asset.document, ["DeletionProtection"], null) == null
