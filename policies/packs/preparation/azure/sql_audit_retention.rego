# METADATA
# title: SQL audit logs are kept for 90 days
# description: >-
#   An intruder is found after weeks; a log that ends before that says nothing. Where the log goes
#   to Log Analytics, the workspace keeps it, and days of 0 mean without end.
# custom:
#   id: azure.sql_audit_retention
#   severity: low
#   types: [microsoft.sql/servers/auditingsettings]
#   frameworks:
#     cis-azure: ["4.1.6"]
#     nist-800-53: ["AU-11"]
#     soc2: ["CC7.2"]
#     pci-dss: ["10.5.1"]
#   parameters:
#     days: 90
#   remediation: >-
#     Keep the audit log for at least 90 days.
package watchstander.preparation.azure.sql_audit_retention

properties := input.asset.document.properties

deny contains "The server is not audited." if lower(object.get(properties, "state", "")) != "enabled"

deny contains msg if {
	days := object.get(properties, "retentionDays", 0)
	days > 0
	days < data.parameters.days
	msg := sprintf("The audit log is kept for %d days.", [days])
}

unknown contains "the properties are missing" if not input.asset.document.properties
