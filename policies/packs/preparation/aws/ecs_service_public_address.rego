# METADATA
# title: Services have no public addresses
# description: >-
#   What has no public address cannot be scanned; traffic comes through a load balancer.
# custom:
#   id: aws.ecs_service_public_address
#   severity: medium
#   types: [aws.ecs_service]
#   frameworks:
#     nist-800-53: ["AC-4", "SC-7"]
#     soc2: ["CC6.6"]
#     pci-dss: ["1.3.1"]
#   remediation: >-
#     Turn assignPublicIp off and put the service into private subnets.
package watchstander.preparation.aws.ecs_service_public_address

deny contains "Tasks of the service get public addresses." if input.asset.document.Service.networkConfiguration.awsvpcConfiguration.assignPublicIp == "ENABLED"
