# METADATA
# title: Databases are not open to the Internet
# description: >-
#   A database that the Internet can reach is one leaked password from being copied.
# custom:
#   id: gcp.sql_open
#   severity: high
#   types: [sqladmin.googleapis.com/Instance]
#   terraform_types: [google_sql_database_instance]
#   frameworks:
#     cis-gcp: ["6.5"]
#     nist-800-53: ["SC-7"]
#     soc2: ["CC6.6"]
#     pci-dss: ["1.3.1"]
#   remediation: >-
#     Remove 0.0.0.0/0 from the authorised networks.
package watchstander.preparation.gcp.sql_open

deny contains "The whole Internet is an authorised network." if {
	some settings in input.resource.google_sql_database_instance.main.settings
	some configuration in settings.ip_configuration
	some network in configuration.authorized_networks
	network.value in {"0.0.0.0/0", "::/0"}
}
