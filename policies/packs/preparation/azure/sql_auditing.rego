# METADATA
# title: SQL servers keep an audit log
# description: >-
#   Without an audit log nobody can tell afterwards who read or changed what in the databases.
# custom:
#   id: azure.sql_auditing
#   severity: medium
#   types: [microsoft.sql/servers/auditingsettings]
#   frameworks:
#     cis-azure: ["4.1.1"]
#     nist-800-53: ["AU-2", "AU-12"]
#     soc2: ["CC7.2"]
#     pci-dss: ["10.2.1"]
#   remediation: >-
#     Turn auditing of the server on, to storage, Log Analytics or an event hub.
package watchstander.preparation.azure.sql_auditing

properties := input.asset.document.properties

deny contains "The server is not audited." if lower(object.get(properties, "state", "")) != "enabled"

unknown contains "the properties are missing" if not input.asset.document.properties
