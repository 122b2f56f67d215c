# METADATA
# title: Storage accounts let Azure's own services in
# description: >-
#   A closed account that refuses the platform gets no backups and no logs, and is opened again in
#   haste.
# custom:
#   id: azure.storage_trusted_services
#   severity: low
#   types: [microsoft.storage/storageaccounts]
#   frameworks:
#     cis-azure: ["3.9"]
#     nist-800-53: ["AU-12", "CP-9"]
#     soc2: ["A1.2"]
#     pci-dss: ["10.3.3"]
#   remediation: >-
#     Allow trusted Azure services in the account's network rules.
package watchstander.preparation.azure.storage_trusted_services

rules := input.asset.document.properties.networkAcls

deny contains "Trusted Azure services are refused." if {
	rules.defaultAction == "Deny"
	not contains(object.get(rules, "bypass", ""), "AzureServices")
}

unknown contains "properties.networkAcls is missing" if not input.asset.document.properties.networkAcls
