# METADATA
# title: The metadata service stays on the instance
# description: >-
#   With more than one hop a container, or a proxy on the instance, can ask for its credentials.
# custom:
#   id: aws.ec2_instance_hop_limit
#   severity: low
#   types: [aws.ec2_instance]
#   frameworks:
#     nist-800-53: ["AC-3", "SC-7"]
#     soc2: ["CC6.1"]
#     pci-dss: ["2.2.6"]
#   remediation: >-
#     Set the hop limit to 1, unless containers on the instance need its credentials.
package watchstander.preparation.aws.ec2_instance_hop_limit

deny contains "Tokens of the metadata service reach beyond the instance." if input.asset.document.MetadataOptions.HttpPutResponseHopLimit > 1

unknown contains "MetadataOptions.HttpPutResponseHopLimit is missing" if object.get(input.asset.document, ["MetadataOptions", "HttpPutResponseHopLimit"], null) == null
