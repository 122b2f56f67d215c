# METADATA
# title: Somebody is told of deleted security groups
# description: >-
#   An alert on deleted security groups tells a person within minutes, when it still can be undone.
# custom:
#   id: azure.told_of_deleted_security_groups
#   severity: low
#   scope: account
#   joins:
#     microsoft.insights/activitylogalerts: [properties]
#   frameworks:
#     cis-azure: ["5.2.4"]
#     nist-800-53: ["AU-6", "SI-4"]
#     soc2: ["CC7.2"]
#     pci-dss: ["10.4.1.1"]
#   parameters:
#     operation: "Microsoft.Network/networkSecurityGroups/delete"
#   remediation: >-
#     Make an activity log alert for the subscription with an action group that tells somebody. Where
#     another system watches for these operations, switch this policy off.
package watchstander.preparation.azure.told_of_deleted_security_groups

import data.watchstander.lib.watched_azure

deny contains "Nobody is told of deleted security groups." if not watched_azure.told_of(data.parameters.operation)
