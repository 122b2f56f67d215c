# METADATA
# title: Databases have no public address
# description: >-
#   A database that the Internet can reach is one leaked password from being copied.
# custom:
#   id: aws.db_instance_public
#   severity: high
#   types: [aws.db_instance]
#   frameworks:
#     cis-aws: ["2.3.3"]
#     nist-800-53: ["AC-3", "SC-7"]
#     soc2: ["CC6.6"]
#     pci-dss: ["1.3.1"]
#   remediation: >-
#     Take the public address away and reach the database through the VPC.
package watchstander.preparation.aws.db_instance_public

deny contains "The database has a public address." if input.asset.document.PubliclyAccessible == true

unknown contains "PubliclyAccessible is missing" if object.get(input.asset.document, ["PubliclyAccessible"], null) == null
