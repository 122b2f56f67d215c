# METADATA
# title: Streams are encrypted
# description: >-
#   A stream keeps what went through it for days.
# custom:
#   id: aws.kinesis_encrypted
#   severity: low
#   types: [aws.kinesis_stream]
#   frameworks:
#     nist-800-53: ["SC-28"]
#     soc2: ["CC6.1"]
#     pci-dss: ["3.5.1"]
#   remediation: >-
#     Turn server-side encryption with a KMS key on.
package watchstander.preparation.aws.kinesis_encrypted

deny contains "The stream is not encrypted." if input.asset.document.Stream.EncryptionType == "NONE"

unknown contains "Stream.EncryptionType is missing" if object.get(input.asset.document, ["Stream", "EncryptionType"], null) == null
