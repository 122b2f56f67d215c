# METADATA
# title: Buckets cannot be made public
# description: >-
#   Prevention holds whatever a binding says, also one made in haste next year.
# custom:
#   id: gcp.bucket_public_prevention
#   severity: high
#   types: [storage.googleapis.com/Bucket]
#   frameworks:
#     cis-gcp: ["5.1"]
#     nist-800-53: ["AC-3"]
#     soc2: ["CC6.1"]
#     pci-dss: ["7.2.1"]
#   remediation: >-
#     Enforce public access prevention, best for the whole organisation.
package watchstander.preparation.gcp.bucket_public_prevention

asset := input.asset.document.resource.data

deny contains "Public access is not prevented." if object.get(asset, ["iamConfiguration", "publicAccessPrevention"], "inherited") != "enforced"

unknown contains "the asset's data is missing" if not input.asset.document.resource.data
