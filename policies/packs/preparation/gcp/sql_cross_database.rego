# METADATA
# title: SQL Server chains no ownership across databases
# description: >-
#   Rights in one database are otherwise rights in another.
# custom:
#   id: gcp.sql_cross_database
#   severity: medium
#   types: [sqladmin.googleapis.com/Instance]
#   frameworks:
#     cis-gcp: ["6.3.2"]
#     nist-800-53: ["CM-6", "CM-7"]
#     soc2: ["CC6.1"]
#     pci-dss: ["2.2.1"]
#   remediation: >-
#     Set the flag 'cross db ownership chaining' to off.
package watchstander.preparation.gcp.sql_cross_database

asset := input.asset.document.resource.data

set_to := {found.value | some found in object.get(asset.settings, "databaseFlags", []); found.name == "cross db ownership chaining"}

deny contains "Ownership is chained across databases." if {
	asset.settings
	startswith(asset.databaseVersion, "SQLSERVER")
	"on" in set_to
}

unknown contains "the database's settings are missing" if not asset.settings
