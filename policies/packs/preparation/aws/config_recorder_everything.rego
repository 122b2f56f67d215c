# METADATA
# title: Config records every type
# description: >-
#   What is not recorded has no past when it is asked for.
# custom:
#   id: aws.config_recorder_everything
#   severity: low
#   types: [aws.config_configuration_recorder]
#   frameworks:
#     cis-aws: ["3.3"]
#     nist-800-53: ["AU-12", "CM-8"]
#     soc2: ["CC7.1"]
#     pci-dss: ["12.5.1"]
#   remediation: >-
#     Record all supported types, and global ones in one region.
package watchstander.preparation.aws.config_recorder_everything

deny contains "The recorder leaves types out." if input.asset.document.recordingGroup.allSupported == false

unknown contains "recordingGroup.allSupported is missing" if object.get(input.asset.document, ["recordingGroup", "allSupported"], null) == null
