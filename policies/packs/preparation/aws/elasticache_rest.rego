# METADATA
# title: Caches encrypt what they write
# description: >-
#   A cache's backups and swap hold what it holds.
# custom:
#   id: aws.elasticache_rest
#   severity: low
#   types: [aws.elasticache_replication_group]
#   frameworks:
#     nist-800-53: ["SC-28"]
#     soc2: ["CC6.1"]
#     pci-dss: ["3.5.1"]
#   remediation: >-
#     Make the cache anew with encryption at rest.
package watchstander.preparation.aws.elasticache_rest

# AWS leaves the field out where it was never set.
deny contains "What the cache writes is not encrypted." if object.get(input.asset.document, "AtRestEncryptionEnabled", false) != true
