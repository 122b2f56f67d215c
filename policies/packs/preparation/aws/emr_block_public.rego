# METADATA
# title: EMR refuses public groups
# description: >-
#   A cluster whose security group is open is mined on within hours.
# custom:
#   id: aws.emr_block_public
#   severity: high
#   types: [aws.emr_block_public_access_configuration]
#   frameworks:
#     nist-800-53: ["AC-4", "SC-7"]
#     soc2: ["CC6.6"]
#     pci-dss: ["1.3.1"]
#   remediation: >-
#     Turn EMR's block of public access on.
package watchstander.preparation.aws.emr_block_public

deny contains "Clusters with open security groups may start." if input.asset.document.Configuration.BlockPublicSecurityGroupRules == false

unknown contains "Configuration.BlockPublicSecurityGroupRules is missing" if object.get(input.asset.document, ["Configuration", "BlockPublicSecurityGroupRules"], null) == null
