# METADATA
# title: SQL Server takes no remote procedure calls
# description: >-
#   Remote access lets one server run procedures on another; it is an old door.
# custom:
#   id: gcp.sql_remote_access
#   severity: low
#   types: [sqladmin.googleapis.com/Instance]
#   frameworks:
#     cis-gcp: ["6.3.5"]
#     nist-800-53: ["CM-6", "CM-7"]
#     soc2: ["CC6.1"]
#     pci-dss: ["2.2.1"]
#   remediation: >-
#     Set the flag 'remote access' to off.
package watchstander.preparation.gcp.sql_remote_access

asset := input.asset.document.resource.data

set_to := {found.value | some found in object.get(asset.settings, "databaseFlags", []); found.name == "remote access"}

deny contains "Remote procedure calls are taken." if {
	asset.settings
	startswith(asset.databaseVersion, "SQLSERVER")
	not "off" in set_to
}

unknown contains "the database's settings are missing" if not asset.settings
