# METADATA
# title: Databases know IAM logins
# description: >-
#   Tokens of fifteen minutes cannot be found in a configuration file years later.
# custom:
#   id: aws.db_instance_iam_login
#   severity: low
#   types: [aws.db_instance]
#   frameworks:
#     nist-800-53: ["IA-2", "IA-5"]
#     soc2: ["CC6.1"]
#     pci-dss: ["8.6.2"]
#   remediation: >-
#     Turn IAM authentication on and move programs to it.
package watchstander.preparation.aws.db_instance_iam_login

deny contains "The database takes passwords only." if input.asset.document.IAMDatabaseAuthenticationEnabled == false

unknown contains "IAMDatabaseAuthenticationEnabled is missing" if object.get(input.asset.document, ["IAMDatabaseAuthenticationEnabled"], null) == null
