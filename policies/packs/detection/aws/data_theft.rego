# METADATA
# title: A detector sees data leave
# description: >-
#   GuardDuty's findings of exfiltration and impact about buckets and databases say that data goes
#   where it never went.
# custom:
#   id: detection.aws.data_theft
#   severity: high
#   frameworks:
#     nist-800-53: ["IR-5", "SI-4"]
#     soc2: ["CC7.3"]
#     pci-dss: ["12.10.5"]
#   parameters:
#     min_severity: "high"
#   remediation: >-
#     Close the bucket to the caller, then read the object-level log for what was taken.
package watchstander.detection.aws.data_theft

rank := {"info": 0, "low": 1, "medium": 2, "high": 3, "critical": 4}

families := {"Exfiltration", "Impact", "CredentialAccess", "Discovery"}

default allow_alert(_) := false

allow_alert(finding) if {
	split(finding.type, ":")[0] in families
	rank[finding.severity] >= rank[data.parameters.min_severity]
}
