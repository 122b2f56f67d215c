# METADATA
# title: Plain HTTP is not open to the Internet
# description: >-
#   What is served over port 80 can be read and changed on the way.
# custom:
#   id: azure.nsg_plain_http
#   severity: low
#   types: [microsoft.network/networksecuritygroups]
#   frameworks:
#     cis-azure: ["6.4"]
#     nist-800-53: ["SC-7", "SC-8"]
#     soc2: ["CC6.6"]
#     pci-dss: ["1.3.1", "4.2.1"]
#   parameters:
#     ports: [80]
#   remediation: >-
#     Serve HTTPS, and let a front door redirect.
package watchstander.preparation.azure.nsg_plain_http

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
