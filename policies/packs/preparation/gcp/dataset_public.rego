# METADATA
# title: No dataset is open to everyone
# description: >-
#   A public dataset can be copied by anybody, at your cost.
# custom:
#   id: gcp.dataset_public
#   severity: critical
#   types: [bigquery.googleapis.com/Dataset]
#   frameworks:
#     cis-gcp: ["7.1"]
#     nist-800-53: ["AC-3"]
#     soc2: ["CC6.1"]
#     pci-dss: ["7.2.1"]
#   remediation: >-
#     Remove the entry from the dataset's access list.
package watchstander.preparation.gcp.dataset_public

asset := input.asset.document.resource.data

everyone := {"allUsers", "allAuthenticatedUsers"}

deny contains msg if {
	some entry in asset.access
	some field in ["specialGroup", "iamMember"]
	entry[field] in everyone
	msg := sprintf("%s may read the dataset.", [entry[field]])
}

unknown contains "the dataset's access list is missing" if not asset.access
