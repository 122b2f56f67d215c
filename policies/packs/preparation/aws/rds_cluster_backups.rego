# METADATA
# title: Database clusters have backups
# description: >-
#   A cluster with a day of backups cannot be restored to before an intrusion of last week.
# custom:
#   id: aws.rds_cluster_backups
#   severity: medium
#   types: [aws.rds_cluster]
#   frameworks:
#     nist-800-53: ["CP-9"]
#     soc2: ["A1.2"]
#     pci-dss: ["12.10.1"]
#   parameters:
#     min_days: 7
#   remediation: >-
#     Keep automated backups for at least the days that the parameter `min_days` says.
package watchstander.preparation.aws.rds_cluster_backups

days := object.get(input.asset.document, "BackupRetentionPeriod", null)

deny contains msg if {
	days != null
	days < data.parameters.min_days
	msg := sprintf("Backups are kept for %d days.", [days])
}

unknown contains "BackupRetentionPeriod is missing" if days == null
