# What the diagnostic settings of a subscription of Azure log, and where they are.
package watchstander.lib.logged_azure

settings := data.inventory["microsoft.insights/diagnosticsettings"]

# Those of the activity log.
of_subscription contains found if {
	some found in settings
	regex.match("^/subscriptions/[^/]+/providers/microsoft.insights/diagnosticsettings/", found.uid)
}

# Those of one resource, by its uid.
of(uid) := {found |
	some found in settings
	startswith(found.uid, concat("", [uid, "/providers/microsoft.insights/diagnosticsettings/"]))
}

categories(found) := {entry.category |
	some setting in found
	some entry in setting.document.properties.logs
	entry.enabled == true
	entry.category
}

groups(found) := {entry.categoryGroup |
	some setting in found
	some entry in setting.document.properties.logs
	entry.enabled == true
	entry.categoryGroup
}

logs(found, _) if "allLogs" in groups(found)

logs(found, wanted) if {
	count(wanted) > 0
	every category in wanted {
		category in categories(found)
	}
}
