# METADATA
# title: MySQL shows only what one may use
# description: >-
#   The list of databases tells an intruder where to look.
# custom:
#   id: gcp.sql_show_databases
#   severity: low
#   types: [sqladmin.googleapis.com/Instance]
#   frameworks:
#     cis-gcp: ["6.1.2"]
#     nist-800-53: ["CM-6", "CM-7"]
#     soc2: ["CC6.1"]
#     pci-dss: ["2.2.1"]
#   remediation: >-
#     Set the flag skip_show_database to on.
package watchstander.preparation.gcp.sql_show_databases

asset := input.asset.document.resource.data

set_to := {found.value | some found in object.get(asset.settings, "databaseFlags", []); found.name == "skip_show_database"}

deny contains "Every user sees every database's name." if {
	asset.settings
	startswith(asset.databaseVersion, "MYSQL")
	not "on" in set_to
}

unknown contains "the database's settings are missing" if not asset.settings
