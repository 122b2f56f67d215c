# METADATA
# title: Defender for Resource Manager is on
# description: >-
#   Without the plan nobody watches Resource Manager for known attacks, and no alert is raised.
# custom:
#   id: azure.defender_resource_manager
#   severity: medium
#   scope: account
#   joins:
#     microsoft.security/pricings: [name, properties]
#   frameworks:
#     cis-azure: ["2.1.11"]
#     nist-800-53: ["SI-4", "RA-5"]
#     soc2: ["CC7.1"]
#     pci-dss: ["11.5.1"]
#   parameters:
#     plan: Arm
#   remediation: >-
#     Turn the plan on for the subscription. Where another product watches Resource Manager,
#     switch this policy off.
package watchstander.preparation.azure.defender_resource_manager

import data.watchstander.lib.defender_azure

deny contains "Defender for Resource Manager is off." if not defender_azure.on(data.parameters.plan)
