# METADATA
# title: Buckets log access
# description: >-
#   Without usage logs nobody can tell after an incident who read an object.
# custom:
#   id: gcp.bucket_logging
#   severity: low
#   types: [storage.googleapis.com/Bucket]
#   terraform_types: [google_storage_bucket]
#   frameworks:
#     nist-800-53: ["AU-2", "AU-12"]
#     soc2: ["CC7.2"]
#     pci-dss: ["10.2.1"]
#   remediation: >-
#     Set a log bucket, or record data access for the project.
package watchstander.preparation.gcp.bucket_logging

deny contains "The bucket does not log access to it." if count(input.resource.google_storage_bucket.main.logging) == 0
