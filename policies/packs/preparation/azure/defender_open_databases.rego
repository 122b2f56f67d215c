# METADATA
# title: Defender for open-source databases is on
# description: >-
#   Without the plan nobody watches open-source databases for known attacks, and no alert is raised.
# custom:
#   id: azure.defender_open_databases
#   severity: medium
#   scope: account
#   joins:
#     microsoft.security/pricings: [name, properties]
#   frameworks:
#     cis-azure: ["2.1.5"]
#     nist-800-53: ["SI-4", "RA-5"]
#     soc2: ["CC7.1"]
#     pci-dss: ["11.5.1"]
#   parameters:
#     plan: OpenSourceRelationalDatabases
#   remediation: >-
#     Turn the plan on for the subscription. Where another product watches open-source
#     databases, switch this policy off.
package watchstander.preparation.azure.defender_open_databases

import data.watchstander.lib.defender_azure

deny contains "Defender for open-source databases is off." if not defender_azure.on(data.parameters.plan)
