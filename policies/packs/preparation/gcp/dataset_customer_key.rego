# METADATA
# title: Datasets encrypt with a key of ours
# description: >-
#   Data under your own key can be made unreadable at once by disabling the key.
# custom:
#   id: gcp.dataset_customer_key
#   severity: low
#   types: [bigquery.googleapis.com/Dataset]
#   frameworks:
#     cis-gcp: ["7.3"]
#     nist-800-53: ["SC-12", "SC-28"]
#     soc2: ["CC6.1"]
#     pci-dss: ["3.6.1"]
#   remediation: >-
#     Set a default key of Cloud KMS for the dataset.
package watchstander.preparation.gcp.dataset_customer_key

asset := input.asset.document.resource.data

deny contains "The dataset has no key of ours." if object.get(asset, ["defaultEncryptionConfiguration", "kmsKeyName"], "") == ""

unknown contains "the asset's data is missing" if not input.asset.document.resource.data
