# METADATA
# title: A public bucket may be closed
# description: >-
#   Allowed where the finding is grave enough and the bucket is not one that is meant to be public.
#   Closing is one switch that takes no object and no policy away.
# custom:
#   id: containment.aws.allow_public_access_block
#   severity: high
#   frameworks:
#     nist-800-53: ["IR-4"]
#     soc2: ["CC7.4"]
#     pci-dss: ["12.10.5"]
#   parameters:
#     min_severity: "high"
#   remediation: >-
#     Nothing to do: this policy decides, the hook acts. Put buckets that are meant to be public on
#     the hook's list of exceptions.
package watchstander.containment.aws.allow_public_access_block

rank := {"info": 0, "low": 1, "medium": 2, "high": 3, "critical": 4}

# A function of the finding, so that it can be asked with any finding in hand.
default allow_public_access_block(_) := false

allow_public_access_block(finding) if count(objections(finding)) == 0

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
	every field in ["resource"] {
		is_string(finding[field])
		finding[field] != ""
	}
}

default unexcepted(_) := false

unexcepted(finding) if {
	every field in ["resource"] {
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
