# METADATA
# title: Replication instances have no public address
# description: >-
#   A replication instance holds the passwords of both databases.
# custom:
#   id: aws.dms_public
#   severity: high
#   types: [aws.dms_replication_instance]
#   frameworks:
#     nist-800-53: ["SC-7"]
#     soc2: ["CC6.6"]
#     pci-dss: ["1.3.1"]
#   remediation: >-
#     Make the instance anew without a public address.
package watchstander.preparation.aws.dms_public

deny contains "The instance has a public address." if input.asset.document.PubliclyAccessible == true

unknown contains "PubliclyAccessible is missing" if object.get(input.asset.document, ["PubliclyAccessible"], null) == null
