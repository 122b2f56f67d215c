# METADATA
# title: Certificates do not end by surprise
# description: >-
#   An expired certificate takes a service down, and tempts people to ignore warnings.
# custom:
#   id: aws.certificate_expiry
#   severity: medium
#   types: [aws.acm_certificate]
#   frameworks:
#     nist-800-53: ["SC-12"]
#     soc2: ["CC6.7"]
#     pci-dss: ["4.2.1"]
#   parameters:
#     min_days: 30
#   remediation: >-
#     Renew the certificate; let Certificate Manager renew those that it issues.
package watchstander.preparation.aws.certificate_expiry

day := ((24 * 60) * 60) * 1000000000

deny contains msg if {
	ends := input.asset.document.Certificate.NotAfter
	left := floor((time.parse_rfc3339_ns(ends) - time.parse_rfc3339_ns(input.context.now)) / day)
	left < data.parameters.min_days
	msg := sprintf("The certificate ends at %s.", [ends])
}
