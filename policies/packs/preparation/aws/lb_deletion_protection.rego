# METADATA
# title: Load balancers are protected against deletion
# description: >-
#   Deleting the balancer takes every application behind it off the network at once.
# custom:
#   id: aws.lb_deletion_protection
#   severity: low
#   types: [aws.lb]
#   frameworks:
#     nist-800-53: ["CP-10"]
#     soc2: ["A1.2"]
#     pci-dss: ["12.10.1"]
#   remediation: >-
#     Turn deletion protection on.
package watchstander.preparation.aws.lb_deletion_protection

deny contains "The load balancer can be deleted in one step." if {
	some attribute in input.asset.document.Attributes
	attribute.Key == "deletion_protection.enabled"
	attribute.Value == "false"
}
