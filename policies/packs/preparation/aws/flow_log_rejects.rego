# METADATA
# title: Flow logs record what was rejected
# description: >-
#   Who knocks in vain is seen only in rejected traffic.
# custom:
#   id: aws.flow_log_rejects
#   severity: low
#   types: [aws.flow_log]
#   frameworks:
#     cis-aws: ["3.7"]
#     nist-800-53: ["AU-12", "SI-4"]
#     soc2: ["CC7.2"]
#     pci-dss: ["10.2.1"]
#   remediation: >-
#     Make a flow log for all traffic, or for rejected traffic.
package watchstander.preparation.aws.flow_log_rejects

deny contains "Rejected traffic is not recorded." if input.asset.document.TrafficType == "ACCEPT"

unknown contains "TrafficType is missing" if object.get(input.asset.document, ["TrafficType"], null) == null
