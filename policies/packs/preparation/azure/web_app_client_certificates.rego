# METADATA
# title: Web apps ask for client certificates
# description: >-
#   An app for machines only should know its machines.
# custom:
#   id: azure.web_app_client_certificates
#   severity: low
#   types: [microsoft.web/sites]
#   frameworks:
#     nist-800-53: ["IA-3"]
#     soc2: ["CC6.1"]
#     pci-dss: ["8.3.1"]
#   remediation: >-
#     Require client certificates where only machines call the app; disable this policy for public
#     apps.
package watchstander.preparation.azure.web_app_client_certificates

properties := input.asset.document.properties

deny contains "The app does not ask for client certificates." if object.get(properties, "clientCertEnabled", false) != true

unknown contains "the properties are missing" if not input.asset.document.properties
