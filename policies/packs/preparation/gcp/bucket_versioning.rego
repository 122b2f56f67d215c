# METADATA
# title: Buckets keep versions
# description: >-
#   What ransomware or a wrong script overwrites can be had back only from an earlier version.
# custom:
#   id: gcp.bucket_versioning
#   severity: medium
#   types: [storage.googleapis.com/Bucket]
#   frameworks:
#     nist-800-53: ["CP-9", "SI-12"]
#     soc2: ["A1.2"]
#     pci-dss: ["10.3.3"]
#   remediation: >-
#     Turn object versioning on, with a lifecycle rule that ends old versions.
package watchstander.preparation.gcp.bucket_versioning

asset := input.asset.document.resource.data

deny contains "Versions are not kept." if object.get(asset, ["versioning", "enabled"], false) != true

unknown contains "the asset's data is missing" if not input.asset.document.resource.data
