# METADATA
# title: A compromised instance may be isolated
# description: >-
#   Allowed where a detector is sure enough and the instance carries no mark of being vital. Isolation
#   changes the security groups only: memory and disks stay for the investigation.
# custom:
#   id: containment.aws.allow_instance_isolation
#   severity: high
#   frameworks:
#     nist-800-53: ["IR-4"]
#     soc2: ["CC7.4"]
#     pci-dss: ["12.10.5"]
#   parameters:
#     min_severity: "high"
#     protected_tags: {criticality: vital}
#   remediation: >-
#     Nothing to do: this policy decides, the hook acts. Mark instances that must never be isolated by
#     a tag, or put them on the hook's list of exceptions.
package watchstander.containment.aws.allow_instance_isolation

rank := {"info": 0, "low": 1, "medium": 2, "high": 3, "critical": 4}

# A function of the finding, so that it can be asked with any finding in hand.
default allow_instance_isolation(_) := false

allow_instance_isolation(finding) if count(objections(finding)) == 0

objections(finding) := {reason | some reason, holds in checks(finding); holds == false}

checks(finding) := {
	"the severity is too low": severe(finding),
	"the finding does not name its target": named(finding),
	"the target is on the list of exceptions": unexcepted(finding),
	"the instance is marked as vital": unprotected(finding),
}

default severe(_) := false

severe(finding) if rank[finding.severity] >= rank[data.parameters.min_severity]

default named(_) := false

named(finding) if {
	every field in ["instance_id"] {
		is_string(finding[field])
		finding[field] != ""
	}
}

default unexcepted(_) := false

unexcepted(finding) if {
	every field in ["instance_id"] {
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

default unprotected(_) := false

unprotected(finding) if {
	every tag in object.get(finding, ["raw", "resource", "instanceDetails", "tags"], []) {
		not protects(tag)
	}
}

protects(tag) if data.parameters.protected_tags[tag.key] == tag.value

reasons contains reason if some reason in objections(input.finding)
