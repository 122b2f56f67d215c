# METADATA
# title: Warehouses are encrypted
# description: >-
#   Snapshots of an unencrypted cluster are plain too.
# custom:
#   id: aws.redshift_encrypted
#   severity: high
#   types: [aws.redshift_cluster]
#   frameworks:
#     nist-800-53: ["SC-28"]
#     soc2: ["CC6.1"]
#     pci-dss: ["3.5.1"]
#   remediation: >-
#     Turn encryption with a KMS key on; the cluster is migrated for it.
package watchstander.preparation.aws.redshift_encrypted

deny contains "The cluster is not encrypted." if input.asset.document.Encrypted == false

unknown contains "Encrypted is missing" if object.get(input.asset.document, ["Encrypted"], null) == null
