# METADATA
# title: Machines have an identity of their own
# description: >-
#   A machine without an identity tempts people to put secrets on its disk.
# custom:
#   id: azure.vm_identity
#   severity: low
#   types: [microsoft.compute/virtualmachines]
#   frameworks:
#     nist-800-53: ["IA-5"]
#     soc2: ["CC6.1"]
#     pci-dss: ["8.6.2"]
#   remediation: >-
#     Assign a managed identity with the roles the machine's work needs.
package watchstander.preparation.azure.vm_identity

# Azure leaves the field out where there is none.
deny contains "The machine has no managed identity." if object.get(input.asset.document, ["identity", "type"], "None") == "None"

unknown contains "the machine's properties are missing" if not input.asset.document.properties
