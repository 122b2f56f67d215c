# METADATA
# title: API keys are restricted
# description: >-
#   An API key is copied out of a page or an app in a minute; only its restrictions hold.
# custom:
#   id: gcp.api_key_restricted
#   severity: medium
#   types: [apikeys.googleapis.com/Key]
#   frameworks:
#     cis-gcp: ["1.13", "1.14"]
#     nist-800-53: ["AC-3", "IA-5"]
#     soc2: ["CC6.1"]
#     pci-dss: ["8.6.3"]
#   remediation: >-
#     Restrict the key to the services it is for, and to the hosts or apps it is used from.
package watchstander.preparation.gcp.api_key_restricted

asset := input.asset.document.resource.data

restrictions := object.get(asset, "restrictions", {})

places := {"browserKeyRestrictions", "serverKeyRestrictions", "androidKeyRestrictions", "iosKeyRestrictions"}

deny contains "The key is good for every service." if {
	asset.name
	count(object.get(restrictions, "apiTargets", [])) == 0
}

deny contains "The key may be used from everywhere." if {
	asset.name
	count(places & object.keys(restrictions)) == 0
}

unknown contains "the key's name is missing" if not asset.name
