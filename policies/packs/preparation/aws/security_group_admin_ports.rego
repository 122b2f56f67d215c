# METADATA
# title: Administration ports are not open to the Internet
# description: >-
#   SSH and RDP open to everyone are found and tried within minutes.
# custom:
#   id: aws.security_group_admin_ports
#   severity: high
#   types: [aws.security_group]
#   terraform_types: [aws_security_group]
#   frameworks:
#     cis-aws: ["5.2", "5.3"]
#     nist-800-53: ["AC-4", "SC-7"]
#     soc2: ["CC6.6"]
#     pci-dss: ["1.3.1"]
#   parameters:
#     ports: [22, 3389]
#   remediation: >-
#     Take the rule away; use Session Manager or a bastion whose source addresses are known.
package watchstander.preparation.aws.security_group_admin_ports

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
