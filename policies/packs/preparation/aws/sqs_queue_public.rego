# METADATA
# title: No queue is open to everyone
# description: >-
#   Who may send to a queue may make work for your programs; who may receive takes it away.
# custom:
#   id: aws.sqs_queue_public
#   severity: high
#   types: [aws.sqs_queue]
#   frameworks:
#     nist-800-53: ["AC-3"]
#     soc2: ["CC6.1"]
#     pci-dss: ["7.2.1"]
#   remediation: >-
#     Name the principals, or tie a service to its source by a condition.
package watchstander.preparation.aws.sqs_queue_public

as_list(value) := value if is_array(value)

as_list(value) := [value] if not is_array(value)

everyone(principal) if principal == "*"

everyone(principal) if "*" in as_list(principal.AWS)

deny contains "The policy lets everyone use the queue." if {
	some statement in as_list(input.asset.document.Attributes.Policy.Statement)
	statement.Effect == "Allow"
	everyone(statement.Principal)
	not statement.Condition
}
