# METADATA
# title: PostgreSQL logs connections
# description: >-
#   Who tried to come in is the first question after an intrusion.
# custom:
#   id: gcp.sql_log_connections
#   severity: low
#   types: [sqladmin.googleapis.com/Instance]
#   frameworks:
#     cis-gcp: ["6.2.2"]
#     nist-800-53: ["AU-12"]
#     soc2: ["CC7.2"]
#     pci-dss: ["10.2.1"]
#   remediation: >-
#     Set the flag log_connections to on.
package watchstander.preparation.gcp.sql_log_connections

asset := input.asset.document.resource.data

set_to := {found.value | some found in object.get(asset.settings, "databaseFlags", []); found.name == "log_connections"}

deny contains "Connections are not logged." if {
	asset.settings
	startswith(asset.databaseVersion, "POSTGRES")
	not "on" in set_to
}

unknown contains "the database's settings are missing" if not asset.settings
