# METADATA
# title: Search domains are not open to everyone
# description: >-
#   An open index is found by search engines for open indexes within hours.
# custom:
#   id: aws.opensearch_public
#   severity: critical
#   types: [aws.opensearch_domain]
#   frameworks:
#     nist-800-53: ["AC-3", "SC-7"]
#     soc2: ["CC6.6"]
#     pci-dss: ["1.3.1"]
#   remediation: >-
#     Put the domain into a VPC, and name the roles in its access policy.
package watchstander.preparation.aws.opensearch_public

as_list(value) := value if is_array(value)

as_list(value) := [value] if not is_array(value)

everyone(principal) if principal == "*"

everyone(principal) if "*" in as_list(principal.AWS)

deny contains "Everyone may use the domain." if {
	domain := input.asset.document.Domain
	object.get(domain, ["VPCOptions", "VPCId"], "") == ""
	some statement in as_list(domain.AccessPolicies.Statement)
	statement.Effect == "Allow"
	everyone(statement.Principal)
	not statement.Condition
}
