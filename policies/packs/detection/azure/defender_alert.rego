# METADATA
# title: Defender is sure enough of an alert
# description: >-
#   Defender for Cloud alerts of credential access, lateral movement, exfiltration and impact are
#   worth waking somebody.
# custom:
#   id: detection.azure.defender_alert
#   severity: high
#   frameworks:
#     nist-800-53: ["IR-5", "SI-4"]
#     soc2: ["CC7.3"]
#     pci-dss: ["12.10.5"]
#   parameters:
#     min_severity: "medium"
#   remediation: >-
#     Read the alert's entities, contain the first one, and keep the evidence.
package watchstander.detection.azure.defender_alert

rank := {"info": 0, "low": 1, "medium": 2, "high": 3, "critical": 4}

tactics := {"credentialaccess", "lateralmovement", "exfiltration", "impact", "persistence", "privilegeescalation", "defenseevasion"}

default allow_alert(_) := false

allow_alert(finding) if {
	some tactic in tactics_of(finding)
	tactic in tactics
	rank[finding.severity] >= rank[data.parameters.min_severity]
}

# Defender writes several tactics in one text, in its own letters.
tactics_of(finding) := {lower(replace(trim_space(part), " ", "")) | some part in split(finding.tactic, ",")}
