# METADATA
# title: Zones are not signed with SHA-1
# description: >-
#   Signatures over SHA-1 can be forged.
# custom:
#   id: gcp.dns_zone_algorithm
#   severity: medium
#   types: [dns.googleapis.com/ManagedZone]
#   frameworks:
#     cis-gcp: ["3.4", "3.5"]
#     nist-800-53: ["SC-13", "SC-20"]
#     soc2: ["CC6.7"]
#     pci-dss: ["4.2.1"]
#   remediation: >-
#     Change the zone's keys to ECDSA or RSASHA256.
package watchstander.preparation.gcp.dns_zone_algorithm

asset := input.asset.document.resource.data

deny contains msg if {
	some spec in asset.dnssecConfig.defaultKeySpecs
	lower(spec.algorithm) == "rsasha1"
	msg := sprintf("%s uses RSASHA1.", [spec.keyType])
}

unknown contains "the asset's data is missing" if not input.asset.document.resource.data
