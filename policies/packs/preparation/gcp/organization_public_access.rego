# METADATA
# title: The organisation prevents public buckets
# description: >-
#   Prevention above all projects holds where one project forgets it.
# custom:
#   id: gcp.organization_public_access
#   severity: medium
#   types: [cloudresourcemanager.googleapis.com/Organization]
#   frameworks:
#     cis-gcp: ["5.1"]
#     nist-800-53: ["AC-3"]
#     soc2: ["CC6.1"]
#     pci-dss: ["7.2.1"]
#   parameters:
#     constraint: storage.publicAccessPrevention
#   remediation: >-
#     Enforce the constraint storage.publicAccessPrevention on the organisation.
package watchstander.preparation.gcp.organization_public_access

enforced if {
	some set in input.asset.document.orgPolicy
	set.constraint == concat("/", ["constraints", data.parameters.constraint])
	set.booleanPolicy.enforced == true
}

deny contains sprintf("The organisation does not enforce %s.", [data.parameters.constraint]) if not enforced
