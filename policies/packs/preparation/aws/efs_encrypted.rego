# METADATA
# title: File systems are encrypted
# description: >-
#   A file system can be copied by whoever copies its backup.
# custom:
#   id: aws.efs_encrypted
#   severity: medium
#   types: [aws.efs_file_system]
#   frameworks:
#     cis-aws: ["2.4.1"]
#     nist-800-53: ["SC-28"]
#     soc2: ["CC6.1"]
#     pci-dss: ["3.5.1"]
#   remediation: >-
#     Copy the files to a new file system with encryption.
package watchstander.preparation.aws.efs_encrypted

deny contains "The file system is not encrypted." if input.asset.document.Encrypted == false

unknown contains "Encrypted is missing" if object.get(input.asset.document, ["Encrypted"], null) == null
