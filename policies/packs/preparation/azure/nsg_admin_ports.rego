# METADATA
# title: Administration ports are not open to the Internet
# description: >-
#   SSH and RDP open to everyone are found and tried within minutes.
# custom:
#   id: azure.nsg_admin_ports
#   severity: high
#   types: [microsoft.network/networksecuritygroups]
#   frameworks:
#     cis-azure: ["6.1", "6.2"]
#     nist-800-53: ["AC-4", "SC-7"]
#     soc2: ["CC6.6"]
#     pci-dss: ["1.3.1"]
#   parameters:
#     ports: [22, 3389]
#   remediation: >-
#     Take the rule away; use Bastion or just-in-time access.
package watchstander.preparation.azure.nsg_admin_ports

everywhere := {"*", "0.0.0.0/0", "0.0.0.0", "internet", "any", "::/0"}

unknown contains "the group's rules are missing" if not input.asset.document.properties.securityRules

deny contains msg if {
	some rule in input.asset.document.properties.securityRules
	opens(rule.properties)
	some port in data.parameters.ports
	some range in ports(rule.properties)
	covers(range, port)
	msg := sprintf("Rule %s opens port %d to the Internet.", [rule.name, port])
}

opens(rule) if {
	lower(rule.direction) == "inbound"
	lower(rule.access) == "allow"
	lower(rule.protocol) in {"tcp", "*"}
	some source in array.concat([object.get(rule, "sourceAddressPrefix", "")], object.get(rule, "sourceAddressPrefixes", []))
	lower(source) in everywhere
}

ports(rule) := array.concat([object.get(rule, "destinationPortRange", "")], object.get(rule, "destinationPortRanges", []))

covers(range, _) if range == "*"

covers(range, port) if range == format_int(port, 10)

covers(range, port) if {
	[low, high] := split(range, "-")
	to_number(low) <= port
	to_number(high) >= port
}
