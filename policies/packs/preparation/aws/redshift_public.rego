# METADATA
# title: Warehouses have no public address
# description: >-
#   A warehouse that the Internet can reach is one leaked password from being copied.
# custom:
#   id: aws.redshift_public
#   severity: high
#   types: [aws.redshift_cluster]
#   frameworks:
#     nist-800-53: ["AC-3", "SC-7"]
#     soc2: ["CC6.6"]
#     pci-dss: ["1.3.1"]
#   remediation: >-
#     Take the public address away and reach the cluster through the VPC.
package watchstander.preparation.aws.redshift_public

deny contains "The cluster has a public address." if input.asset.document.PubliclyAccessible == true

unknown contains "PubliclyAccessible is missing" if object.get(input.asset.document, ["PubliclyAccessible"], null) == null
