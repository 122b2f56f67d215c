# Whether a subscription of Azure is told of operations: an activity log alert of the whole subscription that is enabled.
package watchstander.lib.watched_azure

told_of(operation) if {
	some found in data.inventory["microsoft.insights/activitylogalerts"]
	alert := found.document.properties
	object.get(alert, "enabled", true) == true
	some scope in alert.scopes
	regex.match("(?i)^/subscriptions/[^/]+/?$", scope)
	some condition in alert.condition.allOf
	lower(condition.field) == "operationname"
	lower(condition.equals) == lower(operation)
	count(alert.actions.actionGroups) > 0
}
