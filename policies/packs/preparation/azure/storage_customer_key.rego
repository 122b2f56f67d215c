# METADATA
# title: Storage accounts are encrypted with a key of ours
# description: >-
#   Data under your own key can be made unreadable at once by disabling the key.
# custom:
#   id: azure.storage_customer_key
#   severity: low
#   types: [microsoft.storage/storageaccounts]
#   frameworks:
#     cis-azure: ["3.12"]
#     nist-800-53: ["SC-12", "SC-28"]
#     soc2: ["CC6.1"]
#     pci-dss: ["3.6.1"]
#   remediation: >-
#     Choose a key of your key vault for the account.
package watchstander.preparation.azure.storage_customer_key

properties := input.asset.document.properties

deny contains "The account is encrypted with a key of Microsoft's." if object.get(properties, ["encryption", "keySource"], "Microsoft.Storage") == "Microsoft.Storage"

unknown contains "the properties are missing" if not input.asset.document.properties
