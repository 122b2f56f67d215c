# METADATA
# title: The organisation governs buckets by IAM alone
# description: >-
#   Access lists of single objects are seen by nobody; the constraint makes an end of them.
# custom:
#   id: gcp.organization_uniform_access
#   severity: low
#   types: [cloudresourcemanager.googleapis.com/Organization]
#   frameworks:
#     cis-gcp: ["5.2"]
#     nist-800-53: ["AC-3"]
#     soc2: ["CC6.1"]
#     pci-dss: ["7.2.1"]
#   parameters:
#     constraint: storage.uniformBucketLevelAccess
#   remediation: >-
#     Enforce the constraint storage.uniformBucketLevelAccess on the organisation.
package watchstander.preparation.gcp.organization_uniform_access

enforced if {
	some set in input.asset.document.orgPolicy
	set.constraint == concat("/", ["constraints", data.parameters.constraint])
	set.booleanPolicy.enforced == true
}

deny contains sprintf("The organisation does not enforce %s.", [data.parameters.constraint]) if not enforced
