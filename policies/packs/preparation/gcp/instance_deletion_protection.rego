# METADATA
# title: Instances are protected against deletion
# description: >-
#   One wrong call deletes a machine and, with it, the evidence on it.
# custom:
#   id: gcp.instance_deletion_protection
#   severity: low
#   types: [compute.googleapis.com/Instance]
#   frameworks:
#     nist-800-53: ["CP-10"]
#     soc2: ["A1.2"]
#     pci-dss: ["12.10.1"]
#   remediation: >-
#     Turn deletion protection on.
package watchstander.preparation.gcp.instance_deletion_protection

asset := input.asset.document.resource.data

deny contains "The instance can be deleted in one step." if object.get(asset, "deletionProtection", false) != true

unknown contains "the asset's data is missing" if not input.asset.document.resource.data
