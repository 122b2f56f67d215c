# METADATA
# title: Defender for Cosmos DB is on
# description: >-
#   Without the plan nobody watches Cosmos DB for known attacks, and no alert is raised.
# custom:
#   id: azure.defender_cosmos
#   severity: medium
#   scope: account
#   joins:
#     microsoft.security/pricings: [name, properties]
#   frameworks:
#     cis-azure: ["2.1.6"]
#     nist-800-53: ["SI-4", "RA-5"]
#     soc2: ["CC7.1"]
#     pci-dss: ["11.5.1"]
#   parameters:
#     plan: CosmosDbs
#   remediation: >-
#     Turn the plan on for the subscription. Where another product watches Cosmos DB, switch
#     this policy off.
package watchstander.preparation.azure.defender_cosmos

import data.watchstander.lib.defender_azure

deny contains "Defender for Cosmos DB is off." if not defender_azure.on(data.parameters.plan)
