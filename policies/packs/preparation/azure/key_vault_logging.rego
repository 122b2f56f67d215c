# METADATA
# title: Key vaults log their use
# description: >-
#   Who read a secret, and from where, is in this log and nowhere else.
# custom:
#   id: azure.key_vault_logging
#   severity: medium
#   scope: account
#   joins:
#     microsoft.insights/diagnosticsettings: [properties]
#     microsoft.keyvault/vaults: [name]
#   frameworks:
#     cis-azure: ["5.1.4"]
#     nist-800-53: ["AU-2", "AU-12"]
#     soc2: ["CC7.2"]
#     pci-dss: ["10.2.1"]
#   parameters:
#     categories: [AuditEvent]
#   remediation: >-
#     Make a diagnostic setting with AuditEvent or all logs.
package watchstander.preparation.azure.key_vault_logging

import data.watchstander.lib.logged_azure

deny contains {"msg": "The vault does not log its use.", "resource": resource.uid} if {
	some resource in data.inventory["microsoft.keyvault/vaults"]
	settings := logged_azure.of(concat("", [resource.uid, ""]))
	not logged_azure.logs(settings, data.parameters.categories)
}
