# METADATA
# title: Network Watcher is on wherever there is a network
# description: >-
#   Flow logs and packet captures are had only where the watcher is on, and not afterwards.
# custom:
#   id: azure.network_watcher_everywhere
#   severity: low
#   scope: account
#   joins:
#     microsoft.network/networkwatchers: [location]
#     microsoft.network/virtualnetworks: [location]
#   frameworks:
#     cis-azure: ["6.6"]
#     nist-800-53: ["AU-12", "SI-4"]
#     soc2: ["CC7.2"]
#     pci-dss: ["10.2.1"]
#   remediation: >-
#     Enable Network Watcher in the region.
package watchstander.preparation.azure.network_watcher_everywhere

covered := {watcher.region | some watcher in data.inventory["microsoft.network/networkwatchers"]}

deny contains msg if {
	some network in data.inventory["microsoft.network/virtualnetworks"]
	not network.region in covered
	msg := sprintf("There is no Network Watcher in %s.", [network.region])
}
