# METADATA
# title: A restored machine is fit for service
# description: >-
#   A restored machine goes back into service without the marks of quarantine, and without passwords
#   that the intruder knows.
# custom:
#   id: recovery.azure.vm_fit
#   severity: high
#   types: [microsoft.compute/virtualmachines]
#   frameworks:
#     nist-800-53: ["CP-10", "IR-4"]
#     soc2: ["CC7.5"]
#     pci-dss: ["12.10.1"]
#   parameters:
#     quarantine_tag: "watchstander:quarantine"
#   remediation: >-
#     Change to SSH keys, then take the quarantine tag away.
package watchstander.recovery.azure.vm_fit

deny contains "The machine still carries the quarantine tag." if input.asset.tags[data.parameters.quarantine_tag]

machine := input.asset.document.properties

deny contains "The machine takes passwords over SSH." if {
	linux := machine.osProfile.linuxConfiguration
	object.get(linux, "disablePasswordAuthentication", false) == false
}

unknown contains "the machine's OS profile is missing" if not machine.osProfile
