# METADATA
# title: Flow logs are on and kept for 90 days
# description: >-
#   Who talked to whom is asked weeks after; days of 0 mean without end.
# custom:
#   id: azure.flow_log_retention
#   severity: low
#   types: [microsoft.network/networkwatchers/flowlogs]
#   frameworks:
#     cis-azure: ["6.5"]
#     nist-800-53: ["AU-11"]
#     soc2: ["CC7.2"]
#     pci-dss: ["10.5.1"]
#   parameters:
#     days: 90
#   remediation: >-
#     Enable the flow log and keep it for at least 90 days.
package watchstander.preparation.azure.flow_log_retention

properties := input.asset.document.properties

deny contains "The flow log is off." if object.get(properties, "enabled", false) != true

deny contains msg if {
	object.get(properties, ["retentionPolicy", "enabled"], false) == true
	days := object.get(properties, ["retentionPolicy", "days"], 0)
	days > 0
	days < data.parameters.days
	msg := sprintf("The flow log is kept for %d days.", [days])
}

unknown contains "the properties are missing" if not input.asset.document.properties
