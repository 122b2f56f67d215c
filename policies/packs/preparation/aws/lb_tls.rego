# METADATA
# title: Load balancers do not serve plain HTTP
# description: >-
#   Credentials and sessions sent in the clear can be read on the way.
# custom:
#   id: aws.lb_tls
#   severity: medium
#   types: [aws.lb]
#   frameworks:
#     nist-800-53: ["SC-8"]
#     soc2: ["CC6.7"]
#     pci-dss: ["4.2.1"]
#   remediation: >-
#     Give HTTP listeners a redirect to HTTPS as their only action.
package watchstander.preparation.aws.lb_tls

deny contains msg if {
	some listener in input.asset.document.Listeners
	listener.Protocol == "HTTP"
	some action in listener.DefaultActions
	object.get(action, ["RedirectConfig", "Protocol"], "") != "HTTPS"
	msg := sprintf("Port %v serves plain HTTP.", [listener.Port])
}
