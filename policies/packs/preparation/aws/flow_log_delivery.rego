# METADATA
# title: Flow logs arrive
# description: >-
#   A flow log that cannot be delivered is no flow log.
# custom:
#   id: aws.flow_log_delivery
#   severity: medium
#   types: [aws.flow_log]
#   frameworks:
#     cis-aws: ["3.7"]
#     nist-800-53: ["AU-5"]
#     soc2: ["CC7.2"]
#     pci-dss: ["10.7.2"]
#   remediation: >-
#     Repair the permissions of the flow log's role or of its bucket.
package watchstander.preparation.aws.flow_log_delivery

# AWS says nothing where logs go to a bucket.
deny contains "The flow log is not delivered." if object.get(input.asset.document, "DeliverLogsStatus", "SUCCESS") == "FAILED"
