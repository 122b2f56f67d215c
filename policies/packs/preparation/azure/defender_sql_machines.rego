# METADATA
# title: Defender for SQL on machines is on
# description: >-
#   Without the plan nobody watches SQL on machines for known attacks, and no alert is raised.
# custom:
#   id: azure.defender_sql_machines
#   severity: medium
#   scope: account
#   joins:
#     microsoft.security/pricings: [name, properties]
#   frameworks:
#     cis-azure: ["2.1.4"]
#     nist-800-53: ["SI-4", "RA-5"]
#     soc2: ["CC7.1"]
#     pci-dss: ["11.5.1"]
#   parameters:
#     plan: SqlServerVirtualMachines
#   remediation: >-
#     Turn the plan on for the subscription. Where another product watches SQL on machines,
#     switch this policy off.
package watchstander.preparation.azure.defender_sql_machines

import data.watchstander.lib.defender_azure

deny contains "Defender for SQL on machines is off." if not defender_azure.on(data.parameters.plan)
