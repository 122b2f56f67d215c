# METADATA
# title: Somebody is told of changes of the organisation
# description: >-
#   An alarm on changes of the organisation tells a person within minutes, when it still can be
#   undone.
# custom:
#   id: aws.told_of_organisation_changes
#   severity: low
#   scope: account
#   joins:
#     aws.cloudtrail: [CloudWatchLogsLogGroupArn, Status]
#     aws.cloudwatch_log_metric_filter: [filterPattern, logGroupName, metricTransformations]
#     aws.cloudwatch_metric_alarm: [ActionsEnabled, AlarmActions, MetricName, Namespace]
#   frameworks:
#     cis-aws: ["4.15"]
#     nist-800-53: ["AU-6", "SI-4"]
#     soc2: ["CC7.2"]
#     pci-dss: ["10.4.1.1"]
#   parameters:
#     words: [organizations.amazonaws.com]
#   remediation: >-
#     Let a trail write to a log group, count the events by a metric filter, and set an alarm on its
#     metric that tells somebody. Where another system watches for these events, switch this policy
#     off.
package watchstander.preparation.aws.told_of_organisation_changes

import data.watchstander.lib.watched_aws

deny contains "Nobody is told of changes of the organisation." if not watched_aws.told_of(data.parameters.words)
