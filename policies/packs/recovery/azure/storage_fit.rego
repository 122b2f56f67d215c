# METADATA
# title: A restored storage account is fit for service
# description: >-
#   After a leak the old keys are useless and no container is public.
# custom:
#   id: recovery.azure.storage_fit
#   severity: high
#   types: [microsoft.storage/storageaccounts]
#   frameworks:
#     nist-800-53: ["CP-10", "IR-4"]
#     soc2: ["CC7.5"]
#     pci-dss: ["12.10.1"]
#   parameters:
#     quarantine_tag: "watchstander:quarantine"
#   remediation: >-
#     Turn shared keys and public containers off, then take the quarantine tag away.
package watchstander.recovery.azure.storage_fit

deny contains "The account still carries the quarantine tag." if input.asset.tags[data.parameters.quarantine_tag]

properties := input.asset.document.properties

deny contains "The account takes its shared keys." if object.get(properties, "allowSharedKeyAccess", true) != false

deny contains "Containers may be public." if properties.allowBlobPublicAccess == true

unknown contains "the properties are missing" if not input.asset.document.properties
