# METADATA
# title: Backups of databases leave the building
# description: >-
#   A backup beside the database is lost with it.
# custom:
#   id: azure.sql_database_backup_redundancy
#   severity: low
#   types: [microsoft.sql/servers/databases]
#   frameworks:
#     nist-800-53: ["CP-9"]
#     soc2: ["A1.2"]
#     pci-dss: ["12.10.1"]
#   remediation: >-
#     Choose zone or geo redundancy for backups.
package watchstander.preparation.azure.sql_database_backup_redundancy

deny contains "Backups lie in one building." if input.asset.document.properties.requestedBackupStorageRedundancy == "Local"

unknown contains "properties.requestedBackupStorageRedundancy is missing" if object.get(input.asset.document, ["properties", "requestedBackupStorageRedundancy"], null) == null
