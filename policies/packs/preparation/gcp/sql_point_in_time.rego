# METADATA
# title: Databases can be restored to any minute
# description: >-
#   A nightly backup loses the day of the incident.
# custom:
#   id: gcp.sql_point_in_time
#   severity: low
#   types: [sqladmin.googleapis.com/Instance]
#   frameworks:
#     nist-800-53: ["CP-9"]
#     soc2: ["A1.2"]
#     pci-dss: ["12.10.1"]
#   remediation: >-
#     Turn point-in-time recovery on.
package watchstander.preparation.gcp.sql_point_in_time

asset := input.asset.document.resource.data

deny contains "Point-in-time recovery is off." if {
	startswith(asset.databaseVersion, "POSTGRES")
	object.get(asset, ["settings", "backupConfiguration", "pointInTimeRecoveryEnabled"], false) != true
}

unknown contains "the asset's data is missing" if not input.asset.document.resource.data
