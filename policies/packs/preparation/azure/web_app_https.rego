# METADATA
# title: Web apps redirect to HTTPS
# description: >-
#   Sessions sent in the clear can be taken over.
# custom:
#   id: azure.web_app_https
#   severity: medium
#   types: [microsoft.web/sites]
#   frameworks:
#     cis-azure: ["9.2"]
#     nist-800-53: ["SC-8"]
#     soc2: ["CC6.7"]
#     pci-dss: ["4.2.1"]
#   remediation: >-
#     Turn HTTPS only on.
package watchstander.preparation.azure.web_app_https

deny contains "The app answers over plain HTTP." if input.asset.document.properties.httpsOnly == false

unknown contains "properties.httpsOnly is missing" if object.get(input.asset.document, ["properties", "httpsOnly"], null) == null
