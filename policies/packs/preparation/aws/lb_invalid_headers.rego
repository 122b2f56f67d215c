# METADATA
# title: Load balancers drop invalid headers
# description: >-
#   Malformed headers are how requests are smuggled past a balancer.
# custom:
#   id: aws.lb_invalid_headers
#   severity: low
#   types: [aws.lb]
#   frameworks:
#     nist-800-53: ["SC-8", "SI-10"]
#     soc2: ["CC6.6"]
#     pci-dss: ["6.4.2"]
#   remediation: >-
#     Turn dropping of invalid header fields on.
package watchstander.preparation.aws.lb_invalid_headers

deny contains "Invalid headers are passed on." if {
	input.asset.document.Type == "application"
	some attribute in input.asset.document.Attributes
	attribute.Key == "routing.http.drop_invalid_header_fields.enabled"
	attribute.Value == "false"
}
