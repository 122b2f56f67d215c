# Whether a project of Google Cloud is told of events: a metric counts log entries, and an alerting policy looks at it.
package watchstander.lib.watched_gcp

# Words that must all be in one metric's filter, in lower case.
told_of(words) if {
	some found in data.inventory["logging.googleapis.com/LogMetric"]
	metric := found.document.resource.data
	filter := lower(metric.filter)
	every word in words {
		contains(filter, word)
	}
	some other in data.inventory["monitoring.googleapis.com/AlertPolicy"]
	policy := other.document.resource.data
	object.get(policy, "enabled", true) == true
	some condition in policy.conditions
	some field in ["conditionThreshold", "conditionAbsent", "conditionMatchedLog"]
	contains(condition[field].filter, concat("", ["logging.googleapis.com/user/", metric.name]))
}
