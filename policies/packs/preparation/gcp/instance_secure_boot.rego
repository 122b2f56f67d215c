# METADATA
# title: Instances start only what is signed
# description: >-
#   Secure boot keeps boot kits out.
# custom:
#   id: gcp.instance_secure_boot
#   severity: low
#   types: [compute.googleapis.com/Instance]
#   frameworks:
#     cis-gcp: ["4.8"]
#     nist-800-53: ["SI-7"]
#     soc2: ["CC6.8"]
#     pci-dss: ["11.5.2"]
#   remediation: >-
#     Turn secure boot, vTPM and integrity monitoring on.
package watchstander.preparation.gcp.instance_secure_boot

asset := input.asset.document.resource.data

deny contains "Secure boot is off." if object.get(asset, ["shieldedInstanceConfig", "enableSecureBoot"], false) != true

unknown contains "the asset's data is missing" if not input.asset.document.resource.data
