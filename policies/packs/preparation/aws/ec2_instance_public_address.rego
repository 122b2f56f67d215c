# METADATA
# title: Instances have no public address
# description: >-
#   What has no public address cannot be scanned; traffic comes through load balancers and sessions
#   through Session Manager.
# custom:
#   id: aws.ec2_instance_public_address
#   severity: medium
#   types: [aws.ec2_instance]
#   frameworks:
#     nist-800-53: ["AC-4", "SC-7"]
#     soc2: ["CC6.6"]
#     pci-dss: ["1.3.1"]
#   remediation: >-
#     Put the instance into a private subnet behind a load balancer.
package watchstander.preparation.aws.ec2_instance_public_address

# AWS leaves the field out where there is none.
deny contains msg if {
	address := object.get(input.asset.document, "PublicIpAddress", "")
	address != ""
	msg := sprintf("The instance has the public address %s.", [address])
}
