# METADATA
# title: There is no default network
# description: >-
#   Default networks have a route to the Internet and public addresses for whatever is started in
#   haste.
# custom:
#   id: aws.vpc_default_unused
#   severity: low
#   types: [aws.vpc]
#   frameworks:
#     nist-800-53: ["CM-7", "SC-7"]
#     soc2: ["CC6.6"]
#     pci-dss: ["2.2.1"]
#   remediation: >-
#     Delete the default VPC of each region you do not use it in.
package watchstander.preparation.aws.vpc_default_unused

deny contains "This is the region's default network." if input.asset.document.IsDefault == true

unknown contains "IsDefault is missing" if object.get(input.asset.document, ["IsDefault"], null) == null
