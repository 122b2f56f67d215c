# METADATA
# title: Shared access signatures end
# description: >-
#   A signature without an end is a password in a link.
# custom:
#   id: azure.storage_signature_expiry
#   severity: low
#   types: [microsoft.storage/storageaccounts]
#   frameworks:
#     cis-azure: ["3.6"]
#     nist-800-53: ["AC-2", "IA-5"]
#     soc2: ["CC6.1"]
#     pci-dss: ["8.3.9"]
#   remediation: >-
#     Set an expiration period in the account's SAS policy.
package watchstander.preparation.azure.storage_signature_expiry

properties := input.asset.document.properties

deny contains "Signatures may be made without an end." if object.get(properties, ["sasPolicy", "sasExpirationPeriod"], "") == ""

unknown contains "the properties are missing" if not input.asset.document.properties
