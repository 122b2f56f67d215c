# Whether an account of AWS is told of events: a trail writes them to a log group, a metric filter counts them, an alarm acts.
package watchstander.lib.watched_aws

# Words that must all be in one filter's pattern, in lower case and without blanks.
told_of(words) if {
	some filter in data.inventory["aws.cloudwatch_log_metric_filter"]
	pattern := lower(replace(filter.document.filterPattern, " ", ""))
	every word in words {
		contains(pattern, word)
	}
	fed(filter.document.logGroupName)
	some metric in filter.document.metricTransformations
	some alarm in data.inventory["aws.cloudwatch_metric_alarm"]
	alarm.document.MetricName == metric.metricName
	alarm.document.Namespace == metric.metricNamespace
	object.get(alarm.document, "ActionsEnabled", true) == true
	count(alarm.document.AlarmActions) > 0
}

fed(group) if {
	some trail in data.inventory["aws.cloudtrail"]
	trail.document.Status.IsLogging == true
	contains(trail.document.CloudWatchLogsLogGroupArn, concat("", [":log-group:", group, ":"]))
}
