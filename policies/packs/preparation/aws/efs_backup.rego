# METADATA
# title: File systems are backed up
# description: >-
#   What ransomware encrypts can be had back only from a backup.
# custom:
#   id: aws.efs_backup
#   severity: medium
#   types: [aws.efs_file_system]
#   frameworks:
#     nist-800-53: ["CP-9"]
#     soc2: ["A1.2"]
#     pci-dss: ["12.10.1"]
#   remediation: >-
#     Turn automatic backups on.
package watchstander.preparation.aws.efs_backup

# Null where there is no backup policy.
deny contains "The file system is not backed up." if object.get(input.asset.document, "BackupPolicy", "DISABLED") in {"DISABLED", "DISABLING", null}
