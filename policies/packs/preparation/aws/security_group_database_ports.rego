# METADATA
# title: Database ports are not open to the Internet
# description: >-
#   A database that everyone can reach is tried with every password there is.
# custom:
#   id: aws.security_group_database_ports
#   severity: high
#   types: [aws.security_group]
#   terraform_types: [aws_security_group]
#   frameworks:
#     nist-800-53: ["AC-4", "SC-7"]
#     soc2: ["CC6.6"]
#     pci-dss: ["1.3.1", "1.4.4"]
#   parameters:
#     ports: [1433, 1521, 3306, 5432, 6379, 9200, 11211, 27017]
#   remediation: >-
#     Allow the security group of the application instead of addresses.
package watchstander.preparation.aws.security_group_database_ports

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
