# METADATA
# title: Databases are encrypted
# description: >-
#   Backups and snapshots of an unencrypted database are plain too.
# custom:
#   id: aws.db_instance_encrypted
#   severity: high
#   types: [aws.db_instance]
#   frameworks:
#     cis-aws: ["2.3.1"]
#     nist-800-53: ["SC-28"]
#     soc2: ["CC6.1"]
#     pci-dss: ["3.5.1"]
#   remediation: >-
#     Restore the database from an encrypted copy of its snapshot.
package watchstander.preparation.aws.db_instance_encrypted

deny contains "The database's storage is not encrypted." if input.asset.document.StorageEncrypted == false

unknown contains "StorageEncrypted is missing" if object.get(input.asset.document, ["StorageEncrypted"], null) == null
