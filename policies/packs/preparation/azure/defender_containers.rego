# METADATA
# title: Defender for containers is on
# description: >-
#   Without the plan nobody watches containers for known attacks, and no alert is raised.
# custom:
#   id: azure.defender_containers
#   severity: medium
#   scope: account
#   joins:
#     microsoft.security/pricings: [name, properties]
#   frameworks:
#     cis-azure: ["2.1.8"]
#     nist-800-53: ["SI-4", "RA-5"]
#     soc2: ["CC7.1"]
#     pci-dss: ["11.5.1"]
#   parameters:
#     plan: Containers
#   remediation: >-
#     Turn the plan on for the subscription. Where another product watches containers, switch
#     this policy off.
package watchstander.preparation.azure.defender_containers

import data.watchstander.lib.defender_azure

deny contains "Defender for containers is off." if not defender_azure.on(data.parameters.plan)
