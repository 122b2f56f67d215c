# METADATA
# title: PostgreSQL keeps an audit log
# description: >-
#   The audit extension tells which rows were asked for, by whom.
# custom:
#   id: gcp.sql_audit_extension
#   severity: low
#   types: [sqladmin.googleapis.com/Instance]
#   frameworks:
#     cis-gcp: ["6.2.8"]
#     nist-800-53: ["AU-12"]
#     soc2: ["CC7.2"]
#     pci-dss: ["10.2.1"]
#   remediation: >-
#     Set the flag cloudsql.enable_pgaudit to on and create the extension.
package watchstander.preparation.gcp.sql_audit_extension

asset := input.asset.document.resource.data

set_to := {found.value | some found in object.get(asset.settings, "databaseFlags", []); found.name == "cloudsql.enable_pgaudit"}

deny contains "The audit extension is off." if {
	asset.settings
	startswith(asset.databaseVersion, "POSTGRES")
	not "on" in set_to
}

unknown contains "the database's settings are missing" if not asset.settings
