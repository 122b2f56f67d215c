# METADATA
# title: SQL Server has no contained logins
# description: >-
#   A login that lies in the database itself is under nobody's password policy.
# custom:
#   id: gcp.sql_contained_logins
#   severity: medium
#   types: [sqladmin.googleapis.com/Instance]
#   frameworks:
#     cis-gcp: ["6.3.7"]
#     nist-800-53: ["IA-2"]
#     soc2: ["CC6.1"]
#     pci-dss: ["8.3.1"]
#   remediation: >-
#     Set the flag 'contained database authentication' to off.
package watchstander.preparation.gcp.sql_contained_logins

asset := input.asset.document.resource.data

set_to := {found.value | some found in object.get(asset.settings, "databaseFlags", []); found.name == "contained database authentication"}

deny contains "Logins may lie in the database." if {
	asset.settings
	startswith(asset.databaseVersion, "SQLSERVER")
	"on" in set_to
}

unknown contains "the database's settings are missing" if not asset.settings
