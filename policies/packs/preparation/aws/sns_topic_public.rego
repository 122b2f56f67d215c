# METADATA
# title: No topic is open to everyone
# description: >-
#   Who may publish to a topic may tell your programs and people what to do.
# custom:
#   id: aws.sns_topic_public
#   severity: high
#   types: [aws.sns_topic]
#   frameworks:
#     nist-800-53: ["AC-3"]
#     soc2: ["CC6.1"]
#     pci-dss: ["7.2.1"]
#   remediation: >-
#     Name the principals, or tie a service to its source account by a condition.
package watchstander.preparation.aws.sns_topic_public

as_list(value) := value if is_array(value)

as_list(value) := [value] if not is_array(value)

everyone(principal) if principal == "*"

everyone(principal) if "*" in as_list(principal.AWS)

deny contains "The policy lets everyone use the topic." if {
	some statement in as_list(input.asset.document.Attributes.Policy.Statement)
	statement.Effect == "Allow"
	everyone(statement.Principal)
	not statement.Condition
}
