# METADATA
# title: Databases have backups
# description: >-
#   A database without backups cannot be restored to before the incident.
# custom:
#   id: gcp.sql_backups
#   severity: medium
#   types: [sqladmin.googleapis.com/Instance]
#   terraform_types: [google_sql_database_instance]
#   frameworks:
#     cis-gcp: ["6.7"]
#     nist-800-53: ["CP-9"]
#     soc2: ["A1.2"]
#     pci-dss: ["12.10.1"]
#   remediation: >-
#     Turn automated backups on.
package watchstander.preparation.gcp.sql_backups

database := input.resource.google_sql_database_instance.main

deny contains "Automated backups are off." if {
	database.instance_type == "CLOUD_SQL_INSTANCE"
	some settings in database.settings
	some backup in settings.backup_configuration
	backup.enabled == false
}
