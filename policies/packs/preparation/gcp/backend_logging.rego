# METADATA
# title: Load balancers log requests
# description: >-
#   Request logs show what reached a compromised service, and from where.
# custom:
#   id: gcp.backend_logging
#   severity: medium
#   types: [compute.googleapis.com/BackendService]
#   frameworks:
#     cis-gcp: ["2.16"]
#     nist-800-53: ["AU-2", "AU-12"]
#     soc2: ["CC7.2"]
#     pci-dss: ["10.2.1"]
#   remediation: >-
#     Turn logging on for the backend service.
package watchstander.preparation.gcp.backend_logging

asset := input.asset.document.resource.data

deny contains "Requests are not logged." if {
	startswith(object.get(asset, "protocol", "HTTP"), "HTTP")
	object.get(asset, ["logConfig", "enable"], false) != true
}

unknown contains "the asset's data is missing" if not input.asset.document.resource.data
