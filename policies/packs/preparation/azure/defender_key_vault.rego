# METADATA
# title: Defender for Key Vault is on
# description: >-
#   Without the plan nobody watches Key Vault for known attacks, and no alert is raised.
# custom:
#   id: azure.defender_key_vault
#   severity: medium
#   scope: account
#   joins:
#     microsoft.security/pricings: [name, properties]
#   frameworks:
#     cis-azure: ["2.1.9"]
#     nist-800-53: ["SI-4", "RA-5"]
#     soc2: ["CC7.1"]
#     pci-dss: ["11.5.1"]
#   parameters:
#     plan: KeyVaults
#   remediation: >-
#     Turn the plan on for the subscription. Where another product watches Key Vault, switch
#     this policy off.
package watchstander.preparation.azure.defender_key_vault

import data.watchstander.lib.defender_azure

deny contains "Defender for Key Vault is off." if not defender_azure.on(data.parameters.plan)
