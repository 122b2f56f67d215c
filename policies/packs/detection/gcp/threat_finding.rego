# METADATA
# title: Security Command Center sees a threat
# description: >-
#   Findings of class THREAT are about something that happens, not about something that is configured
#   badly.
# custom:
#   id: detection.gcp.threat_finding
#   severity: high
#   frameworks:
#     nist-800-53: ["IR-5", "SI-4"]
#     soc2: ["CC7.3"]
#     pci-dss: ["12.10.5"]
#   parameters:
#     min_severity: "medium"
#   remediation: >-
#     Read the finding's access and indicators, contain the principal or the host, and keep the
#     evidence.
package watchstander.detection.gcp.threat_finding

rank := {"info": 0, "low": 1, "medium": 2, "high": 3, "critical": 4}

default allow_alert(_) := false

allow_alert(finding) if {
	upper(finding["class"]) == "THREAT"
	object.get(finding, "state", "ACTIVE") == "ACTIVE"
	rank[finding.severity] >= rank[data.parameters.min_severity]
}
