# METADATA
# title: A leaked access key may be deactivated
# description: >-
#   Allowed where a detector is sure enough (severity high or above), the finding names one access key
#   of an IAM user, and neither the user nor the key is on the list of exceptions.
# custom:
#   id: containment.aws.allow_credential_revocation
#   severity: high
#   frameworks:
#     nist-800-53: ["IR-4"]
#     soc2: ["CC7.4"]
#     pci-dss: ["12.10.5"]
#   parameters:
#     min_severity: "high"
#   remediation: >-
#     Nothing to do: this policy decides, the hook acts. Put users whose keys must never be touched on
#     the hook's list of exceptions.
package watchstander.containment.aws.allow_credential_revocation

rank := {"info": 0, "low": 1, "medium": 2, "high": 3, "critical": 4}

# A function of the finding, so that it can be asked with any finding in hand.
default allow_credential_revocation(_) := false

allow_credential_revocation(finding) if count(objections(finding)) == 0

objections(finding) := {reason | some reason, holds in checks(finding); holds == false}

checks(finding) := {
	"the severity is too low": severe(finding),
	"the finding names no access key of an IAM user": named(finding),
	"the user or key is on the list of exceptions": unexcepted(finding),
}

default severe(_) := false

severe(finding) if rank[finding.severity] >= rank[data.parameters.min_severity]

default named(_) := false

named(finding) if {
	every field in ["user_name", "access_key_id"] {
		is_string(finding[field])
		finding[field] != ""
	}
	object.get(finding, "user_type", "IAMUser") == "IAMUser"
}

default unexcepted(_) := false

unexcepted(finding) if {
	every name in identities(finding) {
		not excepted(name)
	}
}

identities(finding) := {name |
	some field in ["user_name", "principal_id", "access_key_id"]
	name := finding[field]
	is_string(name)
}

# Exceptions are names, key ids, or ARNs that end in one.
excepted(name) if {
	some exception in data.exceptions
	lower(exception) == lower(name)
}

excepted(name) if {
	some exception in data.exceptions
	endswith(lower(exception), concat("", ["/", lower(name)]))
}

reasons contains reason if some reason in objections(input.finding)
