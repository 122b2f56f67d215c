# METADATA
# title: MySQL does not read its clients' files
# description: >-
#   A query that loads a local file reads it from whoever is connected.
# custom:
#   id: gcp.sql_local_infile
#   severity: medium
#   types: [sqladmin.googleapis.com/Instance]
#   frameworks:
#     cis-gcp: ["6.1.3"]
#     nist-800-53: ["CM-6", "CM-7"]
#     soc2: ["CC6.1"]
#     pci-dss: ["2.2.1"]
#   remediation: >-
#     Set the flag local_infile to off.
package watchstander.preparation.gcp.sql_local_infile

asset := input.asset.document.resource.data

set_to := {found.value | some found in object.get(asset.settings, "databaseFlags", []); found.name == "local_infile"}

deny contains "Clients' files can be read." if {
	asset.settings
	startswith(asset.databaseVersion, "MYSQL")
	not "off" in set_to
}

unknown contains "the database's settings are missing" if not asset.settings
