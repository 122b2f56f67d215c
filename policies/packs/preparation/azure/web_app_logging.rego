# METADATA
# title: Web apps log their requests
# description: >-
#   Without its requests nobody can tell how an app was broken into.
# custom:
#   id: azure.web_app_logging
#   severity: medium
#   scope: account
#   joins:
#     microsoft.insights/diagnosticsettings: [properties]
#     microsoft.web/sites: [name]
#   frameworks:
#     cis-azure: ["5.1.6"]
#     nist-800-53: ["AU-2", "AU-12"]
#     soc2: ["CC7.2"]
#     pci-dss: ["10.2.1"]
#   parameters:
#     categories: [AppServiceHTTPLogs]
#   remediation: >-
#     Make a diagnostic setting with AppServiceHTTPLogs or all logs.
package watchstander.preparation.azure.web_app_logging

import data.watchstander.lib.logged_azure

deny contains {"msg": "The app does not log its requests.", "resource": resource.uid} if {
	some resource in data.inventory["microsoft.web/sites"]
	settings := logged_azure.of(concat("", [resource.uid, ""]))
	not logged_azure.logs(settings, data.parameters.categories)
}
