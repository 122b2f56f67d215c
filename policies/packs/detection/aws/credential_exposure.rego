# METADATA
# title: A detector suspects that a credential is in the wrong hands
# description: >-
#   GuardDuty's findings of type CredentialAccess, UnauthorizedAccess, Exfiltration and Impact about IAM
#   principals say that somebody uses what is not theirs.
# custom:
#   id: detection.aws.credential_exposure
#   severity: high
#   frameworks:
#     nist-800-53: ["IR-5", "SI-4"]
#     soc2: ["CC7.3"]
#     pci-dss: ["12.10.5"]
#   parameters:
#     min_severity: "medium"
#   remediation: >-
#     Deactivate the key, then read what it did in CloudTrail.
package watchstander.detection.aws.credential_exposure

rank := {"info": 0, "low": 1, "medium": 2, "high": 3, "critical": 4}

families := {"CredentialAccess", "UnauthorizedAccess", "Exfiltration", "Impact", "Persistence", "PrivilegeEscalation"}

default allow_alert(_) := false

allow_alert(finding) if {
	split(finding.type, ":")[0] in families
	rank[finding.severity] >= rank[data.parameters.min_severity]
}
