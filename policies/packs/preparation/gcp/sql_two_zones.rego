# METADATA
# title: Databases stand in two zones
# description: >-
#   A database in one zone is gone as long as the zone is.
# custom:
#   id: gcp.sql_two_zones
#   severity: low
#   types: [sqladmin.googleapis.com/Instance]
#   frameworks:
#     nist-800-53: ["CP-10"]
#     soc2: ["A1.2"]
#     pci-dss: ["12.10.1"]
#   remediation: >-
#     Choose regional availability.
package watchstander.preparation.gcp.sql_two_zones

asset := input.asset.document.resource.data

deny contains "The database stands in one zone." if {
	asset.instanceType == "CLOUD_SQL_INSTANCE"
	object.get(asset, ["settings", "availabilityType"], "ZONAL") != "REGIONAL"
}

unknown contains "the asset's data is missing" if not input.asset.document.resource.data
