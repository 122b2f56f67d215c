# METADATA
# title: A detector sees a host in somebody else's hands
# description: >-
#   GuardDuty's findings of backdoors, miners and trojans say that a machine works for somebody else.
# custom:
#   id: detection.aws.host_compromise
#   severity: high
#   frameworks:
#     nist-800-53: ["IR-5", "SI-4"]
#     soc2: ["CC7.3"]
#     pci-dss: ["12.10.5"]
#   parameters:
#     min_severity: "medium"
#   remediation: >-
#     Isolate the host, keep its memory and disks, then find out how they came in.
package watchstander.detection.aws.host_compromise

rank := {"info": 0, "low": 1, "medium": 2, "high": 3, "critical": 4}

families := {"Backdoor", "CryptoCurrency", "Trojan", "Execution"}

default allow_alert(_) := false

allow_alert(finding) if {
	split(finding.type, ":")[0] in families
	rank[finding.severity] >= rank[data.parameters.min_severity]
}
