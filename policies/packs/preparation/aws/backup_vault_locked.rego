# METADATA
# title: Backup vaults are locked
# description: >-
#   Ransomware deletes backups first; a locked vault lets nobody.
# custom:
#   id: aws.backup_vault_locked
#   severity: medium
#   types: [aws.backup_vault]
#   frameworks:
#     nist-800-53: ["CP-9"]
#     soc2: ["A1.2"]
#     pci-dss: ["10.3.3"]
#   remediation: >-
#     Lock the vault, after trying the lock's retention out.
package watchstander.preparation.aws.backup_vault_locked

deny contains "Backups in the vault can be deleted." if input.asset.document.Locked != true

unknown contains "Locked is missing" if object.get(input.asset.document, ["Locked"], null) == null
