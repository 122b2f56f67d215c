# METADATA
# title: Load balancers ask for TLS 1.2
# description: >-
#   Older versions can be broken on the way.
# custom:
#   id: aws.lb_tls_version
#   severity: medium
#   types: [aws.lb]
#   frameworks:
#     nist-800-53: ["SC-8", "SC-13"]
#     soc2: ["CC6.7"]
#     pci-dss: ["4.2.1"]
#   parameters:
#     old: [ELBSecurityPolicy-2016-08, ELBSecurityPolicy-2015-05, ELBSecurityPolicy-TLS-1-0-2015-04, ELBSecurityPolicy-TLS-1-1-2017-01, ELBSecurityPolicy-FS-2018-06, ELBSecurityPolicy-FS-1-1-2019-08, ELBSecurityPolicy-TLS13-1-0-2021-06, ELBSecurityPolicy-TLS13-1-1-2021-06]
#   remediation: >-
#     Choose a security policy of TLS 1.2 or newer, for example ELBSecurityPolicy-TLS13-1-2-2021-06.
package watchstander.preparation.aws.lb_tls_version

deny contains msg if {
	some listener in input.asset.document.Listeners
	policy := object.get(listener, "SslPolicy", "")
	policy in data.parameters.old
	msg := sprintf("Port %v takes TLS older than 1.2 (%s).", [listener.Port, policy])
}
