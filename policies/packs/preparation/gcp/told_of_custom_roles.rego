# METADATA
# title: Somebody is told of changes of custom roles
# description: >-
#   An alert on changes of custom roles tells a person within minutes, when it still can be undone.
# custom:
#   id: gcp.told_of_custom_roles
#   severity: low
#   scope: account
#   joins:
#     logging.googleapis.com/LogMetric: [resource]
#     monitoring.googleapis.com/AlertPolicy: [resource]
#   frameworks:
#     cis-gcp: ["2.6"]
#     nist-800-53: ["AU-6", "SI-4"]
#     soc2: ["CC7.2"]
#     pci-dss: ["10.4.1.1"]
#   parameters:
#     words: [iam_role, createrole, deleterole, updaterole]
#   remediation: >-
#     Count the entries by a log-based metric and set an alerting policy on it that tells somebody.
#     Where another system watches for these events, switch this policy off.
package watchstander.preparation.gcp.told_of_custom_roles

import data.watchstander.lib.watched_gcp

deny contains "Nobody is told of changes of custom roles." if not watched_gcp.told_of(data.parameters.words)
