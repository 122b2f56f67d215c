# METADATA
# title: Sessions of a role may be revoked
# description: >-
#   Allowed where a detector is sure enough that a role's session is in the wrong hands. Sessions
#   begun before now stop working; new ones start at once, so a healthy service recovers by itself.
# custom:
#   id: containment.aws.allow_session_revocation
#   severity: high
#   frameworks:
#     nist-800-53: ["IR-4"]
#     soc2: ["CC7.4"]
#     pci-dss: ["12.10.5"]
#   parameters:
#     min_severity: "high"
#   remediation: >-
#     Nothing to do: this policy decides, the hook acts. Put roles whose sessions must not break on
#     the hook's list of exceptions.
package watchstander.containment.aws.allow_session_revocation

rank := {"info": 0, "low": 1, "medium": 2, "high": 3, "critical": 4}

# A function of the finding, so that it can be asked with any finding in hand.
default allow_session_revocation(_) := false

allow_session_revocation(finding) if count(objections(finding)) == 0

objections(finding) := {reason | some reason, holds in checks(finding); holds == false}

checks(finding) := {
	"the severity is too low": severe(finding),
	"the finding does not name its target": named(finding),
	"the target is on the list of exceptions": unexcepted(finding),
	"the finding is not about the session of a role": session(finding),
}

default severe(_) := false

severe(finding) if rank[finding.severity] >= rank[data.parameters.min_severity]

default named(_) := false

named(finding) if {
	every field in ["user_name"] {
		is_string(finding[field])
		finding[field] != ""
	}
}

default unexcepted(_) := false

unexcepted(finding) if {
	every field in ["user_name"] {
		not excepted(finding[field])
	}
}

# Exceptions are names, ids, or ARNs and paths that end in one.
excepted(name) if {
	some exception in data.exceptions
	lower(exception) == lower(name)
}

excepted(name) if {
	some exception in data.exceptions
	endswith(lower(exception), concat("", ["/", lower(name)]))
}

default session(_) := false

session(finding) if finding.user_type == "AssumedRole"

reasons contains reason if some reason in objections(input.finding)
