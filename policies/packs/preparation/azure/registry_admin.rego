# METADATA
# title: Container registries have no admin user
# description: >-
#   The admin user's password is shared by all, and nobody's in the log.
# custom:
#   id: azure.registry_admin
#   severity: medium
#   types: [microsoft.containerregistry/registries]
#   frameworks:
#     nist-800-53: ["AC-2", "IA-2"]
#     soc2: ["CC6.1"]
#     pci-dss: ["8.2.2"]
#   remediation: >-
#     Disable the admin user and give pipelines identities.
package watchstander.preparation.azure.registry_admin

properties := input.asset.document.properties

deny contains "The admin user is enabled." if object.get(properties, "adminUserEnabled", false) == true

unknown contains "the properties are missing" if not input.asset.document.properties
