# METADATA
# title: Load balancers log access
# description: >-
#   Access logs show which requests reached a compromised host, and from where. Gateway load balancers
#   have none.
# custom:
#   id: aws.lb_access_logs
#   severity: medium
#   types: [aws.lb]
#   terraform_types: [aws_lb]
#   frameworks:
#     nist-800-53: ["AU-2", "AU-12"]
#     soc2: ["CC7.2"]
#     pci-dss: ["10.2.1"]
#   remediation: >-
#     Set access_logs.s3.enabled, with a bucket of the log account as target.
package watchstander.preparation.aws.lb_access_logs

balancer := input.resource.aws_lb.main

deny contains "The load balancer does not log access." if {
	balancer.load_balancer_type != "gateway"
	not logs
}

logs if {
	some block in balancer.access_logs
	block.enabled == true
}
