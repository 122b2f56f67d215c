# METADATA
# title: Somebody puts the watch to sleep
# description: >-
#   GuardDuty's findings of stealth and evasion say that logs, detectors or password rules were
#   weakened.
# custom:
#   id: detection.aws.logging_tampered
#   severity: high
#   frameworks:
#     nist-800-53: ["IR-5", "SI-4"]
#     soc2: ["CC7.3"]
#     pci-dss: ["12.10.5"]
#   parameters:
#     min_severity: "low"
#   remediation: >-
#     Restore the log or detector first, then follow who did it.
package watchstander.detection.aws.logging_tampered

rank := {"info": 0, "low": 1, "medium": 2, "high": 3, "critical": 4}

families := {"Stealth", "DefenseEvasion"}

default allow_alert(_) := false

allow_alert(finding) if {
	split(finding.type, ":")[0] in families
	rank[finding.severity] >= rank[data.parameters.min_severity]
}
