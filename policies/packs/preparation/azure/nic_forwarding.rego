# METADATA
# title: Network interfaces do not forward
# description: >-
#   A machine that forwards packets routes around every rule in between.
# custom:
#   id: azure.nic_forwarding
#   severity: medium
#   types: [microsoft.network/networkinterfaces]
#   frameworks:
#     nist-800-53: ["AC-4", "CM-7"]
#     soc2: ["CC6.6"]
#     pci-dss: ["1.4.3"]
#   remediation: >-
#     Turn IP forwarding off, except for the network appliances that need it.
package watchstander.preparation.azure.nic_forwarding

properties := input.asset.document.properties

deny contains "The interface forwards packets of others." if object.get(properties, "enableIPForwarding", false) == true

unknown contains "the properties are missing" if not input.asset.document.properties
