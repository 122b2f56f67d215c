# METADATA
# title: Domains cannot be moved away
# description: >-
#   Whoever moves a domain has its mail and its certificates.
# custom:
#   id: aws.domain_locked
#   severity: medium
#   types: [aws.route53domains_registered_domain]
#   frameworks:
#     nist-800-53: ["SC-20"]
#     soc2: ["CC6.6"]
#     pci-dss: ["2.2.6"]
#   remediation: >-
#     Turn the transfer lock on.
package watchstander.preparation.aws.domain_locked

deny contains "The domain can be transferred." if input.asset.document.TransferLock == false

unknown contains "TransferLock is missing" if object.get(input.asset.document, ["TransferLock"], null) == null
