# METADATA
# title: PostgreSQL logs the end of sessions
# description: >-
#   Without the end nobody can tell how long a stranger was in.
# custom:
#   id: gcp.sql_log_disconnections
#   severity: low
#   types: [sqladmin.googleapis.com/Instance]
#   frameworks:
#     cis-gcp: ["6.2.3"]
#     nist-800-53: ["AU-12"]
#     soc2: ["CC7.2"]
#     pci-dss: ["10.2.1"]
#   remediation: >-
#     Set the flag log_disconnections to on.
package watchstander.preparation.gcp.sql_log_disconnections

asset := input.asset.document.resource.data

set_to := {found.value | some found in object.get(asset.settings, "databaseFlags", []); found.name == "log_disconnections"}

deny contains "Ends of sessions are not logged." if {
	asset.settings
	startswith(asset.databaseVersion, "POSTGRES")
	not "on" in set_to
}

unknown contains "the database's settings are missing" if not asset.settings
