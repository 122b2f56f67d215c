# METADATA
# title: Warehouses keep an audit log
# description: >-
#   Who asked for which rows is the first question after a leak.
# custom:
#   id: aws.redshift_logging
#   severity: medium
#   types: [aws.redshift_cluster]
#   frameworks:
#     nist-800-53: ["AU-2", "AU-12"]
#     soc2: ["CC7.2"]
#     pci-dss: ["10.2.1.1"]
#   remediation: >-
#     Turn audit logging to a bucket or a log group on.
package watchstander.preparation.aws.redshift_logging

deny contains "The cluster keeps no audit log." if input.asset.document.Logging.LoggingEnabled == false

unknown contains "Logging.LoggingEnabled is missing" if object.get(input.asset.document, ["Logging", "LoggingEnabled"], null) == null
