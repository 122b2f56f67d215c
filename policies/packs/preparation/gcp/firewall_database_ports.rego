# METADATA
# title: Database ports are not open to the Internet
# description: >-
#   A database that everyone can reach is tried with every password there is.
# custom:
#   id: gcp.firewall_database_ports
#   severity: high
#   types: [compute.googleapis.com/Firewall]
#   terraform_types: [google_compute_firewall]
#   frameworks:
#     nist-800-53: ["AC-4", "SC-7"]
#     soc2: ["CC6.6"]
#     pci-dss: ["1.3.1", "1.4.4"]
#   parameters:
#     ports: [1433, 1521, 3306, 5432, 6379, 9200, 11211, 27017]
#   remediation: >-
#     Allow the service account or tag of the application instead of addresses.
package watchstander.preparation.gcp.firewall_database_ports

firewall := input.resource.google_compute_firewall.main

deny contains msg if {
	firewall.direction == "INGRESS"
	firewall.disabled == false
	some range in firewall.source_ranges
	range in {"0.0.0.0/0", "::/0"}
	some rule in firewall.allow
	some port in data.parameters.ports
	includes(rule, port)
	msg := sprintf("Port %d is open to %s.", [port, range])
}

includes(rule, _) if rule.protocol == "all"

includes(rule, _) if {
	rule.protocol in {"tcp", "6"}
	count(object.get(rule, "ports", [])) == 0
}

includes(rule, port) if {
	rule.protocol in {"tcp", "6"}
	some range in rule.ports
	bounds := split(range, "-")
	to_number(bounds[0]) <= port
	to_number(bounds[count(bounds) - 1]) >= port
}
