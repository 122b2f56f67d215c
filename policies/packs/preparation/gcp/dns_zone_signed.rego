# METADATA
# title: Public zones are signed
# description: >-
#   Without signatures anybody on the way can answer for your names.
# custom:
#   id: gcp.dns_zone_signed
#   severity: medium
#   types: [dns.googleapis.com/ManagedZone]
#   frameworks:
#     cis-gcp: ["3.3"]
#     nist-800-53: ["SC-20"]
#     soc2: ["CC6.7"]
#     pci-dss: ["4.2.1"]
#   remediation: >-
#     Turn DNSSEC on and give the registrar the DS record.
package watchstander.preparation.gcp.dns_zone_signed

asset := input.asset.document.resource.data

# Cloud Asset and the API write the state in different cases.
deny contains "The zone is not signed." if {
	lower(object.get(asset, "visibility", "public")) == "public"
	lower(object.get(asset, ["dnssecConfig", "state"], "off")) != "on"
}

unknown contains "the asset's data is missing" if not input.asset.document.resource.data
