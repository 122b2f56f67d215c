# METADATA
# title: Subnets reach Google's services inside
# description: >-
#   Machines without public addresses otherwise need a way out to the Internet to reach storage and
#   logs.
# custom:
#   id: gcp.subnet_private_access
#   severity: low
#   types: [compute.googleapis.com/Subnetwork]
#   frameworks:
#     nist-800-53: ["SC-7"]
#     soc2: ["CC6.6"]
#     pci-dss: ["1.3.2"]
#   remediation: >-
#     Turn Private Google Access on for the subnet.
package watchstander.preparation.gcp.subnet_private_access

asset := input.asset.document.resource.data

deny contains "Private Google access is off." if {
	object.get(asset, "purpose", "PRIVATE") == "PRIVATE"
	object.get(asset, "privateIpGoogleAccess", false) != true
}

unknown contains "the asset's data is missing" if not input.asset.document.resource.data
