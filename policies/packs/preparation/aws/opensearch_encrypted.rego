# METADATA
# title: Search domains are encrypted
# description: >-
#   An index is a copy of the data it indexes.
# custom:
#   id: aws.opensearch_encrypted
#   severity: medium
#   types: [aws.opensearch_domain]
#   frameworks:
#     nist-800-53: ["SC-28"]
#     soc2: ["CC6.1"]
#     pci-dss: ["3.5.1"]
#   remediation: >-
#     Turn encryption at rest on.
package watchstander.preparation.aws.opensearch_encrypted

deny contains "The domain is not encrypted." if input.asset.document.Domain.EncryptionAtRestOptions.Enabled == false

unknown contains "Domain.EncryptionAtRestOptions.Enabled is missing" if object.get(input.asset.document, ["Domain", "EncryptionAtRestOptions", "Enabled"], null) == null
