# METADATA
# title: A restored database is fit for service
# description: >-
#   A database restored from a snapshot comes back with the defaults of that moment: often public,
#   often without backups.
# custom:
#   id: recovery.aws.db_instance_fit
#   severity: high
#   types: [aws.db_instance]
#   frameworks:
#     nist-800-53: ["CP-10", "IR-4"]
#     soc2: ["CC7.5"]
#     pci-dss: ["12.10.1"]
#   parameters:
#     quarantine_tag: "watchstander:quarantine"
#   remediation: >-
#     Set backups, encryption and addresses as they were before, then take the quarantine tag away.
package watchstander.recovery.aws.db_instance_fit

deny contains "The database still carries the quarantine tag." if input.asset.tags[data.parameters.quarantine_tag]

database := input.asset.document

deny contains "The database has a public address." if database.PubliclyAccessible == true

deny contains "The database's storage is not encrypted." if database.StorageEncrypted == false

deny contains "The database has no backups." if database.BackupRetentionPeriod == 0

unknown contains "the database's settings are missing" if object.get(database, "BackupRetentionPeriod", null) == null
