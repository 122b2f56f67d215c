# METADATA
# title: Tables encrypt with a key of ours
# description: >-
#   Data under your own key can be made unreadable at once by disabling the key.
# custom:
#   id: gcp.table_customer_key
#   severity: low
#   types: [bigquery.googleapis.com/Table]
#   frameworks:
#     cis-gcp: ["7.2"]
#     nist-800-53: ["SC-12", "SC-28"]
#     soc2: ["CC6.1"]
#     pci-dss: ["3.6.1"]
#   remediation: >-
#     Copy the table with a key of Cloud KMS.
package watchstander.preparation.gcp.table_customer_key

asset := input.asset.document.resource.data

deny contains "The table has no key of ours." if {
	object.get(asset, "type", "TABLE") == "TABLE"
	object.get(asset, ["encryptionConfiguration", "kmsKeyName"], "") == ""
}

unknown contains "the asset's data is missing" if not input.asset.document.resource.data
