# METADATA
# title: UDP services are not open to the Internet
# description: >-
#   Open UDP services are used to flood others, from your address.
# custom:
#   id: azure.nsg_udp_services
#   severity: medium
#   types: [microsoft.network/networksecuritygroups]
#   frameworks:
#     cis-azure: ["6.3"]
#     nist-800-53: ["AC-4", "SC-5"]
#     soc2: ["CC6.6"]
#     pci-dss: ["1.3.1"]
#   parameters:
#     ports: [53, 123, 161, 389, 1900, 11211]
#   remediation: >-
#     Take the rule away, or name the networks that need it.
package watchstander.preparation.azure.nsg_udp_services

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
	lower(rule.protocol) in {"udp", "*"}
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
