# METADATA
# title: Machines encrypt on their host
# description: >-
#   Temporary disks and caches of a machine are otherwise written in the clear.
# custom:
#   id: azure.vm_host_encryption
#   severity: low
#   types: [microsoft.compute/virtualmachines]
#   frameworks:
#     nist-800-53: ["SC-28"]
#     soc2: ["CC6.1"]
#     pci-dss: ["3.5.1"]
#   remediation: >-
#     Turn encryption at host on; the machine has to be stopped for it.
package watchstander.preparation.azure.vm_host_encryption

properties := input.asset.document.properties

deny contains "Caches and temporary disks are not encrypted." if object.get(properties, ["securityProfile", "encryptionAtHost"], false) != true

unknown contains "the properties are missing" if not input.asset.document.properties
