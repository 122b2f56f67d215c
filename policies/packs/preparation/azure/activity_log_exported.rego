# METADATA
# title: The activity log is exported
# description: >-
#   Azure keeps the activity log for 90 days and lets nobody search it well; what is exported is
#   kept and watched.
# custom:
#   id: azure.activity_log_exported
#   severity: high
#   scope: account
#   joins:
#     microsoft.insights/diagnosticsettings: [properties]
#   frameworks:
#     cis-azure: ["5.1.1"]
#     nist-800-53: ["AU-4", "AU-9"]
#     soc2: ["CC7.2"]
#     pci-dss: ["10.3.3"]
#   remediation: >-
#     Make a diagnostic setting of the subscription to a workspace, storage account or event
#     hub.
package watchstander.preparation.azure.activity_log_exported

import data.watchstander.lib.logged_azure

deny contains "The activity log is not exported." if count(logged_azure.of_subscription) == 0
