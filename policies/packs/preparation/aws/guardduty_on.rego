# METADATA
# title: GuardDuty is on
# description: >-
#   A detector that is suspended sees nothing.
# custom:
#   id: aws.guardduty_on
#   severity: high
#   types: [aws.guardduty_detector]
#   frameworks:
#     nist-800-53: ["SI-4"]
#     soc2: ["CC7.2"]
#     pci-dss: ["11.5.1"]
#   remediation: >-
#     Enable the detector, best for the whole organisation.
package watchstander.preparation.aws.guardduty_on

deny contains "The detector is suspended." if input.asset.document.Detector.Status != "ENABLED"

unknown contains "Detector.Status is missing" if object.get(input.asset.document, ["Detector", "Status"], null) == null
