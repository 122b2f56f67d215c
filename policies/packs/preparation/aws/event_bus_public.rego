# METADATA
# title: No event bus is open to everyone
# description: >-
#   Who may put events on a bus may start what its rules start.
# custom:
#   id: aws.event_bus_public
#   severity: high
#   types: [aws.cloudwatch_event_bus]
#   frameworks:
#     nist-800-53: ["AC-3"]
#     soc2: ["CC6.1"]
#     pci-dss: ["7.2.1"]
#   remediation: >-
#     Name the accounts, or tie them to your organisation by a condition.
package watchstander.preparation.aws.event_bus_public

as_list(value) := value if is_array(value)

as_list(value) := [value] if not is_array(value)

everyone(principal) if principal == "*"

everyone(principal) if "*" in as_list(principal.AWS)

deny contains "The policy lets everyone use the bus." if {
	some statement in as_list(input.asset.document.Policy.Statement)
	statement.Effect == "Allow"
	everyone(statement.Principal)
	not statement.Condition
}
