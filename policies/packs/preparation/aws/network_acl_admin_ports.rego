# METADATA
# title: Network ACLs close administration ports
# description: >-
#   The ACL holds even where a security group was opened in haste.
# custom:
#   id: aws.network_acl_admin_ports
#   severity: low
#   types: [aws.network_acl]
#   frameworks:
#     cis-aws: ["5.1"]
#     nist-800-53: ["AC-4", "SC-7"]
#     soc2: ["CC6.6"]
#     pci-dss: ["1.3.1"]
#   parameters:
#     ports: [22, 3389]
#   remediation: >-
#     Replace the rule that lets everything in by rules for what is served.
package watchstander.preparation.aws.network_acl_admin_ports

everywhere := {"0.0.0.0/0", "::/0"}

deny contains msg if {
	some entry in input.asset.document.Entries
	entry.Egress == false
	entry.RuleAction == "allow"
	object.get(entry, "CidrBlock", object.get(entry, "Ipv6CidrBlock", "")) in everywhere
	some port in data.parameters.ports
	includes(entry, port)
	not denied_before(entry, port)
	msg := sprintf("Rule %d lets port %d in from everywhere.", [entry.RuleNumber, port])
}

includes(entry, _) if entry.Protocol == "-1"

includes(entry, port) if {
	entry.Protocol == "6"
	entry.PortRange.From <= port
	entry.PortRange.To >= port
}

# Rules are taken in the order of their numbers.
denied_before(allowed, port) if {
	some entry in input.asset.document.Entries
	entry.Egress == false
	entry.RuleAction == "deny"
	entry.RuleNumber < allowed.RuleNumber
	object.get(entry, "CidrBlock", "-") == object.get(allowed, "CidrBlock", "-")
	object.get(entry, "Ipv6CidrBlock", "-") == object.get(allowed, "Ipv6CidrBlock", "-")
	includes(entry, port)
}
