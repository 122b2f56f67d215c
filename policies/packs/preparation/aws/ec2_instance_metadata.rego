# METADATA
# title: Instances ask for a session token at the metadata service
# description: >-
#   Without IMDSv2 a request forgery in a web application is enough to steal the instance's credentials.
# custom:
#   id: aws.ec2_instance_metadata
#   severity: high
#   types: [aws.ec2_instance]
#   terraform_types: [aws_instance]
#   frameworks:
#     cis-aws: ["5.6"]
#     nist-800-53: ["AC-3", "SC-7"]
#     soc2: ["CC6.1"]
#     pci-dss: ["2.2.6"]
#   remediation: >-
#     Set http_tokens to required in the instance's metadata options.
package watchstander.preparation.aws.ec2_instance_metadata

deny contains "The metadata service answers without a session token (IMDSv1)." if {
	some options in input.resource.aws_instance.main.metadata_options
	options.http_endpoint == "enabled"
	options.http_tokens != "required"
}
