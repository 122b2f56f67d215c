# METADATA
# title: Container registries have no public endpoint
# description: >-
#   A service that the Internet can reach is one leaked password from being copied.
# custom:
#   id: azure.registry_public
#   severity: high
#   types: [microsoft.containerregistry/registries]
#   frameworks:
#     nist-800-53: ["SC-7"]
#     soc2: ["CC6.6"]
#     pci-dss: ["1.3.1"]
#   remediation: >-
#     Disable public network access for the registry and use a private endpoint.
package watchstander.preparation.azure.registry_public

properties := input.asset.document.properties

# What was never set means enabled.
deny contains "The registry has a public endpoint." if object.get(properties, "publicNetworkAccess", "Enabled") != "Disabled"

unknown contains "the properties are missing" if not input.asset.document.properties
