# METADATA
# title: Key vaults are governed by roles
# description: >-
#   Access policies give a whole vault at once, and no condition or review reaches them.
# custom:
#   id: azure.key_vault_rbac
#   severity: low
#   types: [microsoft.keyvault/vaults]
#   frameworks:
#     cis-azure: ["8.6"]
#     nist-800-53: ["AC-3", "AC-6"]
#     soc2: ["CC6.3"]
#     pci-dss: ["7.2.1"]
#   remediation: >-
#     Assign roles for keys and secrets, then switch the vault to role-based access.
package watchstander.preparation.azure.key_vault_rbac

properties := input.asset.document.properties

deny contains "The vault uses access policies." if object.get(properties, "enableRbacAuthorization", false) != true

unknown contains "the properties are missing" if not input.asset.document.properties
