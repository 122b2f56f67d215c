# METADATA
# title: Networks log their flows
# description: >-
#   Flow logs tell which hosts a compromised one talked to.
# custom:
#   id: aws.vpc_flow_logs
#   severity: medium
#   types: [aws.vpc]
#   frameworks:
#     cis-aws: ["3.7"]
#     nist-800-53: ["AU-12", "SI-4"]
#     soc2: ["CC7.2"]
#     pci-dss: ["10.2.1"]
#   remediation: >-
#     Create a flow log for the VPC that records at least rejected traffic.
package watchstander.preparation.aws.vpc_flow_logs

active contains log.FlowLogId if {
	some log in input.asset.document.FlowLogs
	log.FlowLogStatus == "ACTIVE"
}

deny contains "The VPC has no active flow log." if count(active) == 0
