# METADATA
# title: No bucket is a website
# description: >-
#   A website serves everyone over plain HTTP, straight from the bucket.
# custom:
#   id: aws.s3_bucket_website
#   severity: medium
#   types: [aws.s3_bucket]
#   frameworks:
#     nist-800-53: ["AC-3", "SC-8"]
#     soc2: ["CC6.6"]
#     pci-dss: ["1.3.1"]
#   remediation: >-
#     Serve the files through CloudFront with an origin access control.
package watchstander.preparation.aws.s3_bucket_website

deny contains "The bucket serves a website." if object.get(input.asset.document, "Website", null) != null
