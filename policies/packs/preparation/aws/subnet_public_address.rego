# METADATA
# title: Subnets give out no public addresses
# description: >-
#   Whether a machine is public should be decided for each machine, not by where it was started.
# custom:
#   id: aws.subnet_public_address
#   severity: medium
#   types: [aws.subnet]
#   frameworks:
#     nist-800-53: ["AC-4", "SC-7"]
#     soc2: ["CC6.6"]
#     pci-dss: ["1.3.1"]
#   remediation: >-
#     Turn automatic public addresses off for the subnet.
package watchstander.preparation.aws.subnet_public_address

deny contains "Machines started here get a public address." if input.asset.document.MapPublicIpOnLaunch == true

unknown contains "MapPublicIpOnLaunch is missing" if object.get(input.asset.document, ["MapPublicIpOnLaunch"], null) == null
