# METADATA
# title: Instances have no public address
# description: >-
#   What has no public address cannot be scanned; use load balancers and Identity-Aware Proxy.
# custom:
#   id: gcp.instance_public_address
#   severity: medium
#   types: [compute.googleapis.com/Instance]
#   frameworks:
#     cis-gcp: ["4.9"]
#     nist-800-53: ["AC-4", "SC-7"]
#     soc2: ["CC6.6"]
#     pci-dss: ["1.3.1"]
#   remediation: >-
#     Take the external address away; use Cloud NAT for the way out.
package watchstander.preparation.gcp.instance_public_address

asset := input.asset.document.resource.data

deny contains msg if {
	some interface in asset.networkInterfaces
	count(object.get(interface, "accessConfigs", [])) > 0
	msg := sprintf("Interface %s has a public address.", [interface.name])
}

unknown contains "the instance's interfaces are missing" if not asset.networkInterfaces
