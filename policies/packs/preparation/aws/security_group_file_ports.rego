# METADATA
# title: File sharing ports are not open to the Internet
# description: >-
#   File shares are what worms and ransomware look for first.
# custom:
#   id: aws.security_group_file_ports
#   severity: high
#   types: [aws.security_group]
#   terraform_types: [aws_security_group]
#   frameworks:
#     cis-aws: ["5.2", "5.3"]
#     nist-800-53: ["AC-4", "SC-7"]
#     soc2: ["CC6.6"]
#     pci-dss: ["1.3.1", "2.2.5"]
#   parameters:
#     ports: [21, 23, 135, 139, 445, 2049]
#   remediation: >-
#     Take the rule away; reach the share through the VPC.
package watchstander.preparation.aws.security_group_file_ports

everywhere := {"0.0.0.0/0", "::/0"}

deny contains msg if {
	some rule in input.resource.aws_security_group.main.ingress
	some range in array.concat(rule.cidr_blocks, rule.ipv6_cidr_blocks)
	range in everywhere
	some port in data.parameters.ports
	includes(rule, port)
	msg := sprintf("Port %d is open to %s.", [port, range])
}

includes(rule, _) if rule.protocol == "-1"

includes(rule, port) if {
	rule.protocol in {"tcp", "6"}
	rule.from_port <= port
	rule.to_port >= port
}
