# METADATA
# title: Buckets are governed by IAM alone
# description: >-
#   Object ACLs beside IAM hide who may read what.
# custom:
#   id: gcp.bucket_uniform_access
#   severity: medium
#   types: [storage.googleapis.com/Bucket]
#   terraform_types: [google_storage_bucket]
#   frameworks:
#     cis-gcp: ["5.2"]
#     nist-800-53: ["AC-3"]
#     soc2: ["CC6.1"]
#     pci-dss: ["7.2.1"]
#   remediation: >-
#     Turn uniform bucket-level access on.
package watchstander.preparation.gcp.bucket_uniform_access

deny contains "Object ACLs are in force beside IAM." if input.resource.google_storage_bucket.main.uniform_bucket_level_access == false
