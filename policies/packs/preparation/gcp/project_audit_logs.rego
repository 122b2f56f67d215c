# METADATA
# title: Projects record data access
# description: >-
#   Without data access logs nobody can tell after an incident who read what.
# custom:
#   id: gcp.project_audit_logs
#   severity: medium
#   types: [cloudresourcemanager.googleapis.com/Project]
#   frameworks:
#     cis-gcp: ["2.1"]
#     nist-800-53: ["AU-2", "AU-12"]
#     soc2: ["CC7.2"]
#     pci-dss: ["10.2.1"]
#   remediation: >-
#     Add an audit configuration for allServices with DATA_READ and DATA_WRITE to the project, or to a
#     folder or the organisation above it.
package watchstander.preparation.gcp.project_audit_logs

wanted := {"DATA_READ", "DATA_WRITE"}

recorded contains entry.logType if {
	some config in input.asset.document.iamPolicy.auditConfigs
	config.service == "allServices"
	some entry in config.auditLogConfigs
}

deny contains msg if {
	missing := wanted - recorded
	count(missing) > 0
	msg := sprintf("Not recorded for all services: %s.", [concat(", ", sort(missing))])
}
