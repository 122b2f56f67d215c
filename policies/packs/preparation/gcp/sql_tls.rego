# METADATA
# title: Databases ask for TLS
# description: >-
#   Passwords and rows sent in the clear can be read on the way.
# custom:
#   id: gcp.sql_tls
#   severity: medium
#   types: [sqladmin.googleapis.com/Instance]
#   frameworks:
#     cis-gcp: ["6.4"]
#     nist-800-53: ["SC-8"]
#     soc2: ["CC6.7"]
#     pci-dss: ["4.2.1"]
#   remediation: >-
#     Allow encrypted connections only.
package watchstander.preparation.gcp.sql_tls

ip := input.asset.document.resource.data.settings.ipConfiguration

deny contains "The database takes connections without TLS." if {
	object.get(ip, "requireSsl", false) != true
	not object.get(ip, "sslMode", "") in {"ENCRYPTED_ONLY", "TRUSTED_CLIENT_CERTIFICATE_REQUIRED"}
}

unknown contains "the database's address settings are missing" if not ip
