# METADATA
# title: SQL Server runs no external scripts
# description: >-
#   External scripts are programs run on the database's host by a query.
# custom:
#   id: gcp.sql_external_scripts
#   severity: medium
#   types: [sqladmin.googleapis.com/Instance]
#   frameworks:
#     cis-gcp: ["6.3.1"]
#     nist-800-53: ["CM-6", "CM-7"]
#     soc2: ["CC6.1"]
#     pci-dss: ["2.2.1"]
#   remediation: >-
#     Set the flag 'external scripts enabled' to off.
package watchstander.preparation.gcp.sql_external_scripts

asset := input.asset.document.resource.data

set_to := {found.value | some found in object.get(asset.settings, "databaseFlags", []); found.name == "external scripts enabled"}

deny contains "External scripts are allowed." if {
	asset.settings
	startswith(asset.databaseVersion, "SQLSERVER")
	"on" in set_to
}

unknown contains "the database's settings are missing" if not asset.settings
