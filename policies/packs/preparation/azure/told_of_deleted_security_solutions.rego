# METADATA
# title: Somebody is told of deleted security solutions
# description: >-
#   An alert on deleted security solutions tells a person within minutes, when it still can be undone.
# custom:
#   id: azure.told_of_deleted_security_solutions
#   severity: low
#   scope: account
#   joins:
#     microsoft.insights/activitylogalerts: [properties]
#   frameworks:
#     cis-azure: ["5.2.6"]
#     nist-800-53: ["AU-6", "SI-4"]
#     soc2: ["CC7.2"]
#     pci-dss: ["10.4.1.1"]
#   parameters:
#     operation: "Microsoft.Security/securitySolutions/delete"
#   remediation: >-
#     Make an activity log alert for the subscription with an action group that tells somebody. Where
#     another system watches for these operations, switch this policy off.
package watchstander.preparation.azure.told_of_deleted_security_solutions

import data.watchstander.lib.watched_azure

deny contains "Nobody is told of deleted security solutions." if not watched_azure.told_of(data.parameters.operation)
