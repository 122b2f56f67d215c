# METADATA
# title: Redis caches refuse connections in the clear
# description: >-
#   The cache's password and everything in it can be read on the way.
# custom:
#   id: azure.redis_plain
#   severity: high
#   types: [microsoft.cache/redis]
#   frameworks:
#     nist-800-53: ["SC-8"]
#     soc2: ["CC6.7"]
#     pci-dss: ["4.2.1"]
#   remediation: >-
#     Disable the non-TLS port.
package watchstander.preparation.azure.redis_plain

properties := input.asset.document.properties

deny contains "The cache answers without TLS." if object.get(properties, "enableNonSslPort", false) == true

unknown contains "the properties are missing" if not input.asset.document.properties
