# METADATA
# title: A PostgreSQL server is not open to all of Azure
# description: >-
#   The rule 0.0.0.0 to 0.0.0.0 lets in every machine in Azure, those of other customers too.
# custom:
#   id: azure.postgresql_firewall_azure
#   severity: medium
#   types: [microsoft.dbforpostgresql/flexibleservers/firewallrules]
#   frameworks:
#     cis-azure: ["4.3.7"]
#     nist-800-53: ["AC-4", "SC-7"]
#     soc2: ["CC6.6"]
#     pci-dss: ["1.3.1"]
#   remediation: >-
#     Remove the rule that allows Azure services; use private endpoints or networks.
package watchstander.preparation.azure.postgresql_firewall_azure

properties := input.asset.document.properties

deny contains "The rule lets in every machine in Azure." if {
	properties.startIpAddress == "0.0.0.0"
	properties.endIpAddress == "0.0.0.0"
}

unknown contains "the properties are missing" if not input.asset.document.properties
