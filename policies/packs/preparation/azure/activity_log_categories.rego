# METADATA
# title: The activity log is exported with what matters
# description: >-
#   Without the right categories, who changed what and what was alarmed is not in the exported log.
# custom:
#   id: azure.activity_log_categories
#   severity: medium
#   scope: account
#   joins:
#     microsoft.insights/diagnosticsettings: [properties]
#   frameworks:
#     cis-azure: ["5.1.2"]
#     nist-800-53: ["AU-2", "AU-12"]
#     soc2: ["CC7.2"]
#     pci-dss: ["10.2.1"]
#   parameters:
#     categories: [Administrative, Alert, Policy, Security]
#   remediation: >-
#     Choose at least the categories Administrative, Alert, Policy and Security.
package watchstander.preparation.azure.activity_log_categories

import data.watchstander.lib.logged_azure

deny contains msg if {
	missing := {c | some c in data.parameters.categories} - logged_azure.categories(logged_azure.of_subscription)
	count(missing) > 0
	msg := sprintf("The exported activity log lacks %s.", [concat(", ", sort(missing))])
}
