# METADATA
# title: Log buckets cannot be emptied
# description: >-
#   Intruders delete logs; a locked retention policy outlasts even an owner.
# custom:
#   id: gcp.bucket_log_retention
#   severity: medium
#   types: [storage.googleapis.com/Bucket]
#   frameworks:
#     cis-gcp: ["2.3"]
#     nist-800-53: ["AU-9", "AU-11"]
#     soc2: ["CC7.2"]
#     pci-dss: ["10.3.2", "10.5.1"]
#   parameters:
#     names: ['*-logs', '*-audit']
#   remediation: >-
#     Set a retention policy on buckets that hold logs and lock it. The parameter `names` says which
#     buckets hold logs.
package watchstander.preparation.gcp.bucket_log_retention

asset := input.asset.document.resource.data

holds_logs if {
	some pattern in data.parameters.names
	glob.match(pattern, [], asset.name)
}

deny contains "Logs in the bucket can be deleted." if {
	holds_logs
	object.get(asset, ["retentionPolicy", "isLocked"], false) != true
}

unknown contains "the asset's data is missing" if not input.asset.document.resource.data
