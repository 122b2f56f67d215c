# METADATA
# title: SQL data is encrypted with your own key
# description: >-
#   A key of your own can be taken away from an intruder who has the disks or the account.
# custom:
#   id: azure.sql_customer_key
#   severity: low
#   types: [microsoft.sql/servers/encryptionprotector]
#   frameworks:
#     cis-azure: ["4.1.3"]
#     nist-800-53: ["SC-12", "SC-28"]
#     soc2: ["CC6.1"]
#     pci-dss: ["3.5.1"]
#   remediation: >-
#     Set a key of your vault as the protector of transparent data encryption.
package watchstander.preparation.azure.sql_customer_key

properties := input.asset.document.properties

deny contains "The protector is the service's own key." if object.get(properties, "serverKeyType", "") != "AzureKeyVault"

unknown contains "the properties are missing" if not input.asset.document.properties
