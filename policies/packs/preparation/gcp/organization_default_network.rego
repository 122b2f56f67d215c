# METADATA
# title: The organisation makes no default networks
# description: >-
#   A default network in each new project lets SSH and RDP in from everywhere.
# custom:
#   id: gcp.organization_default_network
#   severity: low
#   types: [cloudresourcemanager.googleapis.com/Organization]
#   frameworks:
#     cis-gcp: ["3.1"]
#     nist-800-53: ["CM-7"]
#     soc2: ["CC6.6"]
#     pci-dss: ["1.2.1"]
#   parameters:
#     constraint: compute.skipDefaultNetworkCreation
#   remediation: >-
#     Enforce the constraint compute.skipDefaultNetworkCreation on the organisation.
package watchstander.preparation.gcp.organization_default_network

enforced if {
	some set in input.asset.document.orgPolicy
	set.constraint == concat("/", ["constraints", data.parameters.constraint])
	set.booleanPolicy.enforced == true
}

deny contains sprintf("The organisation does not enforce %s.", [data.parameters.constraint]) if not enforced
