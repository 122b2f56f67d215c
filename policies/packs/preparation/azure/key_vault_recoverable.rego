# METADATA
# title: Key vaults can be recovered
# description: >-
#   A vault without purge protection, and every secret in it, can be destroyed for good in one step.
# custom:
#   id: azure.key_vault_recoverable
#   severity: medium
#   types: [microsoft.keyvault/vaults]
#   frameworks:
#     cis-azure: ["8.5"]
#     nist-800-53: ["CP-9", "SC-12"]
#     soc2: ["A1.2"]
#     pci-dss: ["3.7.1"]
#   remediation: >-
#     Turn soft delete and purge protection on.
package watchstander.preparation.azure.key_vault_recoverable

vault := input.asset.document.properties

# Azure leaves a property out that was never set: for these two that means off and on.
deny contains "Purge protection is off." if object.get(vault, "enablePurgeProtection", false) != true

deny contains "Soft delete is off." if object.get(vault, "enableSoftDelete", true) == false

unknown contains "the vault's properties are missing" if not input.asset.document.properties
