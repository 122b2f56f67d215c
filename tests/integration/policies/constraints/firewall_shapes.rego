# METADATA
# title: Firewall rules have the shapes that were asked for
# description: >-
#   A shape says what a rule is like; what it does not say may be anything. `forbidden` fails a rule of any of the shapes,
#   `every` one that is not of all of them.
# custom:
#   id: house.firewall_shapes
#   severity: high
#   types: [compute.googleapis.com/Firewall]
#   parameters:
#     mode: forbidden
#     shapes: []
#     left_alone: []
package house.firewall_shapes

rule := input.asset.document.resource.data

effect := "allowed" if rule.allowed

effect := "denied" if rule.denied

# What a shape does not say, or says as `any`, holds of every rule.
said(shape, key) := value if {
	value := shape[key]
	value != "any"
}

wants(shape, key) if said(shape, key)

direction(shape) if not wants(shape, "direction")

direction(shape) if said(shape, "direction") == rule.direction

type(shape) if not wants(shape, "rule_type")

type(shape) if said(shape, "rule_type") == effect

enabled(shape) if not wants(shape, "enabled")

enabled(shape) if sprintf("%v", [said(shape, "enabled")]) == sprintf("%v", [rule.disabled == false])

traffic(shape) if {
	some entry in rule[effect]
	protocol(shape, entry)
	port(shape, entry)
}

protocol(shape, _) if not wants(shape, "protocol")

protocol(shape, entry) if entry.IPProtocol in {said(shape, "protocol"), "all"}

port(shape, _) if not wants(shape, "port")

port(shape, entry) if {
	wants(shape, "port")
	not entry.ports
}

port(shape, entry) if {
	shape.port != "all"
	some ports in entry.ports
	within(shape.port, ports)
}

port(shape, entry) if {
	shape.port == "all"
	some ports in {"0-65535", "1-65535"} # nothing listens on port 0
	ports in entry.ports
}

# Whether all of some ports ("80", "2000-2100") are among others.
within(inner, outer) if {
	low(inner) >= low(outer)
	high(inner) <= high(outer)
}

low(ports) := to_number(split(ports, "-")[0])

high(ports) := to_number(split(ports, "-")[count(split(ports, "-")) - 1])

ends := {
	"source_ranges": "sourceRanges",
	"source_tags": "sourceTags",
	"source_service_accounts": "sourceServiceAccounts",
	"target_ranges": "destinationRanges",
	"target_tags": "targetTags",
	"target_service_accounts": "targetServiceAccounts",
}

end(shape, key) if not wants(shape, key)

end(shape, key) if {
	some pattern in said(shape, key)
	some value in rule[ends[key]]
	alike(pattern, value)
}

alike(pattern, _) if pattern == "*"

alike(pattern, value) if {
	pattern != "*"
	regex.match(sprintf("^%s", [pattern]), value)
}

of(shape) if {
	direction(shape)
	type(shape)
	enabled(shape)
	traffic(shape)
	every key, _ in ends { end(shape, key) }
}

left_alone if {
	some pattern in data.parameters.left_alone
	regex.match(pattern, input.asset.uid)
}

deny contains sprintf("The rule has the forbidden shape %v.", [shape]) if {
	data.parameters.mode == "forbidden"
	not left_alone
	some shape in data.parameters.shapes
	of(shape)
}

deny contains sprintf("The rule does not have the shape %v.", [shape]) if {
	data.parameters.mode == "every"
	not left_alone
	some shape in data.parameters.shapes
	not of(shape)
}

unknown contains "the asset's data is missing" if not rule
