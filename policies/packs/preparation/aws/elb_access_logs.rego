# METADATA
# title: Classic load balancers log access
# description: >-
#   Access logs show which requests reached a compromised host, and from where.
# custom:
#   id: aws.elb_access_logs
#   severity: medium
#   types: [aws.elb]
#   terraform_types: [aws_elb]
#   frameworks:
#     nist-800-53: ["AU-2", "AU-12"]
#     soc2: ["CC7.2"]
#     pci-dss: ["10.2.1"]
#   remediation: >-
#     Turn access logs on, with a bucket of the log account as target.
package watchstander.preparation.aws.elb_access_logs

deny contains "The load balancer does not log access." if {
	some logs in input.resource.aws_elb.main.access_logs
	logs.enabled == false
}

deny contains "The load balancer does not log access." if count(input.resource.aws_elb.main.access_logs) == 0
