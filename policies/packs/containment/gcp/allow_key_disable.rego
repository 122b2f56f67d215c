# METADATA
# title: A leaked service account key may be disabled
# description: >-
#   Allowed where a detector is sure enough, the finding names one key, and the key is not on the list
#   of exceptions. A disabled key can be enabled again.
# custom:
#   id: containment.gcp.allow_key_disable
#   severity: high
#   frameworks:
#     nist-800-53: ["IR-4"]
#     soc2: ["CC7.4"]
#     pci-dss: ["12.10.5"]
#   parameters:
#     min_severity: "high"
#   remediation: >-
#     Nothing to do: this policy decides, the hook acts. Put keys that must never be touched on the
#     hook's list of exceptions.
package watchstander.containment.gcp.allow_key_disable

rank := {"info": 0, "low": 1, "medium": 2, "high": 3, "critical": 4}

# A function of the finding, so that it can be asked with any finding in hand.
default allow_key_disable(_) := false

allow_key_disable(finding) if count(objections(finding)) == 0

objections(finding) := {reason | some reason, holds in checks(finding); holds == false}

checks(finding) := {
	"the severity is too low": severe(finding),
	"the finding does not name its target": named(finding),
	"the target is on the list of exceptions": unexcepted(finding),
}

default severe(_) := false

severe(finding) if rank[finding.severity] >= rank[data.parameters.min_severity]

default named(_) := false

named(finding) if {
	every field in ["service_account_key"] {
		is_string(finding[field])
		finding[field] != ""
	}
}

default unexcepted(_) := false

unexcepted(finding) if {
	every field in ["service_account_key"] {
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

reasons contains reason if some reason in objections(input.finding)
