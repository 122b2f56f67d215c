# METADATA
# title: Databases export their logs
# description: >-
#   A database's own log lies on the database, and goes with it.
# custom:
#   id: aws.db_instance_log_exports
#   severity: low
#   types: [aws.db_instance]
#   frameworks:
#     nist-800-53: ["AU-4", "AU-12"]
#     soc2: ["CC7.2"]
#     pci-dss: ["10.3.3"]
#   remediation: >-
#     Export the engine's logs to CloudWatch Logs.
package watchstander.preparation.aws.db_instance_log_exports

# AWS leaves the field out where no log is exported.
deny contains "No log of the database is exported." if count(object.get(input.asset.document, "EnabledCloudwatchLogsExports", [])) == 0
