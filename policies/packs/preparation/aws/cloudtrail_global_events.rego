# METADATA
# title: Trails record the global services
# description: >-
#   IAM and STS are global services; a trail without them does not see who took which role.
# custom:
#   id: aws.cloudtrail_global_events
#   severity: medium
#   types: [aws.cloudtrail]
#   frameworks:
#     cis-aws: ["3.1"]
#     nist-800-53: ["AU-12"]
#     soc2: ["CC7.2"]
#     pci-dss: ["10.2.1"]
#   remediation: >-
#     Include the events of global services in the trail.
package watchstander.preparation.aws.cloudtrail_global_events

deny contains "Events of global services are not recorded." if input.asset.document.IncludeGlobalServiceEvents == false

unknown contains "IncludeGlobalServiceEvents is missing" if object.get(input.asset.document, ["IncludeGlobalServiceEvents"], null) == null
