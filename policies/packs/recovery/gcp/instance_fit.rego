# METADATA
# title: A restored instance is fit for service
# description: >-
#   A restored host goes back into service without the network tag of quarantine, and starts only what
#   is signed.
# custom:
#   id: recovery.gcp.instance_fit
#   severity: high
#   types: [compute.googleapis.com/Instance]
#   frameworks:
#     nist-800-53: ["CP-10", "IR-4"]
#     soc2: ["CC7.5"]
#     pci-dss: ["12.10.1"]
#   parameters:
#     quarantine_tag: "watchstander-quarantine"
#   remediation: >-
#     Turn secure boot on, then take the quarantine tag away.
package watchstander.recovery.gcp.instance_fit

asset := input.asset.document.resource.data

deny contains "The instance still carries the quarantine tag." if data.parameters.quarantine_tag in asset.tags.items

deny contains "Secure boot is off." if {
	asset.name
	object.get(asset, ["shieldedInstanceConfig", "enableSecureBoot"], false) != true
}

unknown contains "the instance's name is missing" if not asset.name
