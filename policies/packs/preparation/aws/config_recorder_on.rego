# METADATA
# title: Config records
# description: >-
#   A recorder that was stopped leaves a hole in the history, where the intruder was.
# custom:
#   id: aws.config_recorder_on
#   severity: high
#   types: [aws.config_configuration_recorder]
#   frameworks:
#     cis-aws: ["3.3"]
#     nist-800-53: ["AU-12", "CM-8"]
#     soc2: ["CC7.1"]
#     pci-dss: ["12.5.1"]
#   remediation: >-
#     Start the recorder, and find out who stopped it.
package watchstander.preparation.aws.config_recorder_on

deny contains "The recorder is stopped." if input.asset.document.Status.recording == false

unknown contains "Status.recording is missing" if object.get(input.asset.document, ["Status", "recording"], null) == null
