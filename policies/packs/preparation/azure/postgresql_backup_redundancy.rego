# METADATA
# title: PostgreSQL backups leave the region
# description: >-
#   A backup beside the database is lost with it.
# custom:
#   id: azure.postgresql_backup_redundancy
#   severity: low
#   types: [microsoft.dbforpostgresql/flexibleservers]
#   frameworks:
#     nist-800-53: ["CP-9"]
#     soc2: ["A1.2"]
#     pci-dss: ["12.10.1"]
#   remediation: >-
#     Choose geo-redundant backups when the server is made.
package watchstander.preparation.azure.postgresql_backup_redundancy

properties := input.asset.document.properties

deny contains "Backups stay in the region." if object.get(properties, ["backup", "geoRedundantBackup"], "Disabled") != "Enabled"

unknown contains "the properties are missing" if not input.asset.document.properties
