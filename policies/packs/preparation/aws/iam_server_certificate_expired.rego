# METADATA
# title: Expired server certificates are removed
# description: >-
#   An expired certificate that is put to use by mistake takes a service down.
# custom:
#   id: aws.iam_server_certificate_expired
#   severity: low
#   types: [aws.iam_server_certificate]
#   frameworks:
#     cis-aws: ["1.19"]
#     nist-800-53: ["SC-12"]
#     soc2: ["CC6.7"]
#     pci-dss: ["4.2.1"]
#   remediation: >-
#     Delete the certificate; manage new ones in Certificate Manager.
package watchstander.preparation.aws.iam_server_certificate_expired

deny contains msg if {
	ends := input.asset.document.Expiration
	time.parse_rfc3339_ns(ends) < time.parse_rfc3339_ns(input.context.now)
	msg := sprintf("The certificate ended at %s.", [ends])
}
