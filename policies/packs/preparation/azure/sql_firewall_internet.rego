# METADATA
# title: A SQL server lets nobody in from the whole Internet
# description: >-
#   A rule that begins at 0.0.0.0 and does not end there lets in whoever knows a password.
# custom:
#   id: azure.sql_firewall_internet
#   severity: critical
#   types: [microsoft.sql/servers/firewallrules]
#   frameworks:
#     cis-azure: ["4.1.2"]
#     nist-800-53: ["AC-4", "SC-7"]
#     soc2: ["CC6.6"]
#     pci-dss: ["1.3.1"]
#   remediation: >-
#     Name the addresses that need the server, or use a private endpoint.
package watchstander.preparation.azure.sql_firewall_internet

properties := input.asset.document.properties

deny contains msg if {
	properties.startIpAddress == "0.0.0.0"
	properties.endIpAddress != "0.0.0.0"
	msg := sprintf("The rule lets in everyone up to %s.", [properties.endIpAddress])
}

unknown contains "the properties are missing" if not input.asset.document.properties
