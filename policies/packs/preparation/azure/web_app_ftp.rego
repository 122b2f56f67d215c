# METADATA
# title: Web apps are not deployed over FTP
# description: >-
#   FTP sends the deployment password in the clear.
# custom:
#   id: azure.web_app_ftp
#   severity: medium
#   types: [microsoft.web/sites]
#   frameworks:
#     cis-azure: ["9.9"]
#     nist-800-53: ["CM-7", "SC-8"]
#     soc2: ["CC6.7"]
#     pci-dss: ["2.2.5"]
#   remediation: >-
#     Disable FTP, or allow FTPS only.
package watchstander.preparation.azure.web_app_ftp

deny contains "The app takes files over plain FTP." if input.asset.document.properties.siteConfig.ftpsState == "AllAllowed"

unknown contains "properties.siteConfig.ftpsState is missing" if object.get(input.asset.document, ["properties", "siteConfig", "ftpsState"], null) == null
