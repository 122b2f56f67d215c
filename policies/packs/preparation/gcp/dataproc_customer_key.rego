# METADATA
# title: Dataproc clusters encrypt with a key of ours
# description: >-
#   Disks of a cluster hold what it works on.
# custom:
#   id: gcp.dataproc_customer_key
#   severity: low
#   types: [dataproc.googleapis.com/Cluster]
#   frameworks:
#     cis-gcp: ["8.1"]
#     nist-800-53: ["SC-12", "SC-28"]
#     soc2: ["CC6.1"]
#     pci-dss: ["3.6.1"]
#   remediation: >-
#     Make the cluster anew with a key of Cloud KMS.
package watchstander.preparation.gcp.dataproc_customer_key

asset := input.asset.document.resource.data

deny contains "The cluster's disks have no key of ours." if object.get(asset, ["config", "encryptionConfig", "gcePdKmsKeyName"], "") == ""

unknown contains "the asset's data is missing" if not input.asset.document.resource.data
