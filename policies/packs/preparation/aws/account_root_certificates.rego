# METADATA
# title: The root user has no signing certificates
# description: >-
#   Signing certificates are credentials that hardly anybody remembers to take away.
# custom:
#   id: aws.account_root_certificates
#   severity: medium
#   types: [aws.account]
#   frameworks:
#     nist-800-53: ["AC-6", "IA-5"]
#     soc2: ["CC6.1"]
#     pci-dss: ["8.2.2"]
#   remediation: >-
#     Delete the root user's signing certificates.
package watchstander.preparation.aws.account_root_certificates

deny contains "The root user has a signing certificate." if input.asset.document.Summary.AccountSigningCertificatesPresent > 0

unknown contains "Summary.AccountSigningCertificatesPresent is missing" if object.get(input.asset.document, ["Summary", "AccountSigningCertificatesPresent"], null) == null
