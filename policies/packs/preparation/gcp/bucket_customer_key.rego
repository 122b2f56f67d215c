# METADATA
# title: Buckets encrypt with a key of ours
# description: >-
#   Data under your own key can be made unreadable at once by disabling the key.
# custom:
#   id: gcp.bucket_customer_key
#   severity: low
#   types: [storage.googleapis.com/Bucket]
#   frameworks:
#     nist-800-53: ["SC-12", "SC-28"]
#     soc2: ["CC6.1"]
#     pci-dss: ["3.6.1"]
#   remediation: >-
#     Set a default key of Cloud KMS for the bucket.
package watchstander.preparation.gcp.bucket_customer_key

asset := input.asset.document.resource.data

deny contains "The bucket has no key of ours." if object.get(asset, ["encryption", "defaultKmsKeyName"], "") == ""

unknown contains "the asset's data is missing" if not input.asset.document.resource.data
