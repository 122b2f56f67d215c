# METADATA
# title: Machines start only what is signed
# description: >-
#   Trusted launch keeps boot kits out and proves what was started.
# custom:
#   id: azure.vm_trusted_launch
#   severity: low
#   types: [microsoft.compute/virtualmachines]
#   frameworks:
#     cis-azure: ["7.9"]
#     nist-800-53: ["SI-7"]
#     soc2: ["CC6.8"]
#     pci-dss: ["11.5.2"]
#   remediation: >-
#     Choose trusted launch for the machine, with secure boot and vTPM.
package watchstander.preparation.azure.vm_trusted_launch

properties := input.asset.document.properties

deny contains "The machine starts without trusted launch." if object.get(properties, ["securityProfile", "securityType"], "") == ""

unknown contains "the properties are missing" if not input.asset.document.properties
