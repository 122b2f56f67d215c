# METADATA
# title: SQL databases are encrypted
# description: >-
#   Transparent data encryption keeps backups and files from being read outside the server.
# custom:
#   id: azure.sql_database_encrypted
#   severity: high
#   types: [microsoft.sql/servers/databases/transparentdataencryption]
#   frameworks:
#     cis-azure: ["4.1.5"]
#     nist-800-53: ["SC-28"]
#     soc2: ["CC6.1"]
#     pci-dss: ["3.5.1"]
#   remediation: >-
#     Turn transparent data encryption of the database on.
package watchstander.preparation.azure.sql_database_encrypted

properties := input.asset.document.properties

deny contains "The database is not encrypted." if lower(object.get(properties, "state", "")) != "enabled"

unknown contains "the properties are missing" if not input.asset.document.properties
