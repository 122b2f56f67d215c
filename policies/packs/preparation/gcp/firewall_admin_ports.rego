# METADATA
# title: Administration ports are not open to the Internet
# description: >-
#   SSH and RDP open to everyone are found and tried within minutes.
# custom:
#   id: gcp.firewall_admin_ports
#   severity: high
#   types: [compute.googleapis.com/Firewall]
#   terraform_types: [google_compute_firewall]
#   frameworks:
#     cis-gcp: ["3.6", "3.7"]
#     nist-800-53: ["AC-4", "SC-7"]
#     soc2: ["CC6.6"]
#     pci-dss: ["1.3.1"]
#   remediation: >-
#     Take the rule away; use Identity-Aware Proxy.
package watchstander.preparation.gcp.firewall_admin_ports

admin := {22, 3389}

firewall := input.resource.google_compute_firewall.main

deny contains msg if {
	firewall.direction == "INGRESS"
	firewall.disabled == false
	some range in firewall.source_ranges
	range in {"0.0.0.0/0", "::/0"}
	some rule in firewall.allow
	some port in admin
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
