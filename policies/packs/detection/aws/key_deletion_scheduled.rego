# METADATA
# title: A key is about to be destroyed
# description: >-
#   Whoever schedules a key's deletion makes everything under it unreadable in a week or so, backups
#   too.
# custom:
#   id: detection.aws.key_deletion_scheduled
#   severity: high
#   types: [aws.kms_key]
#   frameworks:
#     nist-800-53: ["SC-12", "SI-4"]
#     soc2: ["CC7.3"]
#     pci-dss: ["3.7.1"]
#   remediation: >-
#     Cancel the deletion, disable the key instead, and ask who scheduled it.
package watchstander.detection.aws.key_deletion_scheduled

deny contains msg if {
	input.asset.document.Metadata.KeyState == "PendingDeletion"
	msg := sprintf("The key will be destroyed at %v.", [object.get(input.asset.document.Metadata, "DeletionDate", "a time that was not told")])
}

unknown contains "Metadata.KeyState is missing" if object.get(input.asset.document, ["Metadata", "KeyState"], null) == null
