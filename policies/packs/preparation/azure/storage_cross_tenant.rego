# METADATA
# title: Storage accounts do not copy into other tenants
# description: >-
#   Object replication into a foreign tenant is a leak that looks like a backup.
# custom:
#   id: azure.storage_cross_tenant
#   severity: medium
#   types: [microsoft.storage/storageaccounts]
#   frameworks:
#     cis-azure: ["3.16"]
#     nist-800-53: ["AC-4"]
#     soc2: ["CC6.7"]
#     pci-dss: ["7.2.1"]
#   remediation: >-
#     Turn cross-tenant replication off.
package watchstander.preparation.azure.storage_cross_tenant

properties := input.asset.document.properties

# New accounts have it off where nothing is said.
deny contains "Objects may be replicated into other tenants." if object.get(properties, "allowCrossTenantReplication", false) == true

unknown contains "the properties are missing" if not input.asset.document.properties
