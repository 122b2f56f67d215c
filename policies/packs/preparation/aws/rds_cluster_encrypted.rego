# METADATA
# title: Database clusters are encrypted
# description: >-
#   Backups and snapshots of an unencrypted cluster are plain too.
# custom:
#   id: aws.rds_cluster_encrypted
#   severity: high
#   types: [aws.rds_cluster]
#   frameworks:
#     cis-aws: ["2.3.1"]
#     nist-800-53: ["SC-28"]
#     soc2: ["CC6.1"]
#     pci-dss: ["3.5.1"]
#   remediation: >-
#     Restore the cluster from an encrypted copy of its snapshot.
package watchstander.preparation.aws.rds_cluster_encrypted

deny contains "The cluster's storage is not encrypted." if input.asset.document.StorageEncrypted == false

unknown contains "StorageEncrypted is missing" if object.get(input.asset.document, ["StorageEncrypted"], null) == null
