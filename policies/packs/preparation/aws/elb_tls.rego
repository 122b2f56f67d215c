# METADATA
# title: Classic load balancers do not serve plain HTTP
# description: >-
#   Credentials and sessions sent in the clear can be read on the way.
# custom:
#   id: aws.elb_tls
#   severity: medium
#   types: [aws.elb]
#   frameworks:
#     nist-800-53: ["SC-8"]
#     soc2: ["CC6.7"]
#     pci-dss: ["4.2.1"]
#   remediation: >-
#     Replace HTTP listeners by HTTPS ones, or the balancer by an application load balancer that
#     redirects.
package watchstander.preparation.aws.elb_tls

deny contains msg if {
	some described in input.asset.document.ListenerDescriptions
	described.Listener.Protocol in {"HTTP", "TCP"}
	msg := sprintf("Port %v is served as %s.", [described.Listener.LoadBalancerPort, described.Listener.Protocol])
}
