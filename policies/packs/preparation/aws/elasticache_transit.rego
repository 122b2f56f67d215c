# METADATA
# title: Caches encrypt connections
# description: >-
#   What is cached is what is asked for most, and its password travels with each connection.
# custom:
#   id: aws.elasticache_transit
#   severity: medium
#   types: [aws.elasticache_replication_group]
#   frameworks:
#     nist-800-53: ["SC-8"]
#     soc2: ["CC6.7"]
#     pci-dss: ["4.2.1"]
#   remediation: >-
#     Turn encryption in transit on.
package watchstander.preparation.aws.elasticache_transit

# AWS leaves the field out where it was never set.
deny contains "Connections are not encrypted." if object.get(input.asset.document, "TransitEncryptionEnabled", false) != true
