# METADATA
# title: Databases have backups
# description: >-
#   A database without backups cannot be restored to before the incident.
# custom:
#   id: aws.db_instance_backups
#   severity: medium
#   types: [aws.db_instance]
#   terraform_types: [aws_db_instance]
#   frameworks:
#     nist-800-53: ["CP-9"]
#     soc2: ["A1.2"]
#     pci-dss: ["12.10.1"]
#   parameters:
#     min_days: 7
#   remediation: >-
#     Keep automated backups for at least the days that the parameter `min_days` says.
package watchstander.preparation.aws.db_instance_backups

database := input.resource.aws_db_instance.main

deny contains msg if {
	database.backup_retention_period < data.parameters.min_days
	msg := sprintf("Backups are kept for %d days.", [database.backup_retention_period])
}
