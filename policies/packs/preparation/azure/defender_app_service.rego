# METADATA
# title: Defender for App Service is on
# description: >-
#   Without the plan nobody watches App Service for known attacks, and no alert is raised.
# custom:
#   id: azure.defender_app_service
#   severity: medium
#   scope: account
#   joins:
#     microsoft.security/pricings: [name, properties]
#   frameworks:
#     cis-azure: ["2.1.2"]
#     nist-800-53: ["SI-4", "RA-5"]
#     soc2: ["CC7.1"]
#     pci-dss: ["11.5.1"]
#   parameters:
#     plan: AppServices
#   remediation: >-
#     Turn the plan on for the subscription. Where another product watches App Service, switch
#     this policy off.
package watchstander.preparation.azure.defender_app_service

import data.watchstander.lib.defender_azure

deny contains "Defender for App Service is off." if not defender_azure.on(data.parameters.plan)
