# METADATA
# title: Flow logs go to Log Analytics
# description: >-
#   Flows in a storage account are files; in a workspace they can be asked and alarmed on.
# custom:
#   id: azure.flow_log_analytics
#   severity: low
#   types: [microsoft.network/networkwatchers/flowlogs]
#   frameworks:
#     cis-azure: ["5.1.5"]
#     nist-800-53: ["AU-6", "SI-4"]
#     soc2: ["CC7.2"]
#     pci-dss: ["10.4.1.1"]
#   remediation: >-
#     Turn traffic analytics of the flow log on.
package watchstander.preparation.azure.flow_log_analytics

properties := input.asset.document.properties

deny contains "The flows are not analysed." if {
	path := ["flowAnalyticsConfiguration", "networkWatcherFlowAnalyticsConfiguration", "enabled"]
	object.get(properties, path, false) != true
}

unknown contains "the properties are missing" if not input.asset.document.properties
