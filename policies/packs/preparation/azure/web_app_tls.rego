# METADATA
# title: Web apps ask for TLS 1.2
# description: >-
#   Older versions can be broken on the way.
# custom:
#   id: azure.web_app_tls
#   severity: medium
#   types: [microsoft.web/sites]
#   frameworks:
#     cis-azure: ["9.3"]
#     nist-800-53: ["SC-8"]
#     soc2: ["CC6.7"]
#     pci-dss: ["4.2.1"]
#   remediation: >-
#     Set the minimum TLS version to 1.2.
package watchstander.preparation.azure.web_app_tls

deny contains "The app accepts TLS older than 1.2." if input.asset.document.properties.siteConfig.minTlsVersion in {"1.0", "1.1"}

unknown contains "properties.siteConfig.minTlsVersion is missing" if object.get(input.asset.document, ["properties", "siteConfig", "minTlsVersion"], null) == null
