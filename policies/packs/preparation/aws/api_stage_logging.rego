# METADATA
# title: Stages of APIs log access
# description: >-
#   Access logs show who called what, from where.
# custom:
#   id: aws.api_stage_logging
#   severity: medium
#   types: [aws.api_gateway_stage]
#   frameworks:
#     nist-800-53: ["AU-2", "AU-12"]
#     soc2: ["CC7.2"]
#     pci-dss: ["10.2.1"]
#   remediation: >-
#     Set an access log destination for the stage.
package watchstander.preparation.aws.api_stage_logging

# AWS leaves the field out where it was never set.
deny contains "The stage does not log access." if object.get(input.asset.document, ["accessLogSettings", "destinationArn"], "") == ""
