# METADATA
# title: Databases have no public address
# description: >-
#   A database that the Internet can reach is one leaked password from being copied.
# custom:
#   id: gcp.sql_public_address
#   severity: medium
#   types: [sqladmin.googleapis.com/Instance]
#   frameworks:
#     cis-gcp: ["6.2.9", "6.6"]
#     nist-800-53: ["SC-7"]
#     soc2: ["CC6.6"]
#     pci-dss: ["1.3.1"]
#   remediation: >-
#     Give the database a private address and take the public one away.
package watchstander.preparation.gcp.sql_public_address

asset := input.asset.document.resource.data

deny contains "The database has a public address." if object.get(asset, ["settings", "ipConfiguration", "ipv4Enabled"], false) == true

unknown contains "the asset's data is missing" if not input.asset.document.resource.data
