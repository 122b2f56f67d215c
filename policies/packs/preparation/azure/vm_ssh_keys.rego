# METADATA
# title: Linux machines take keys, not passwords
# description: >-
#   Passwords are guessed; every machine on the Internet is tried all day.
# custom:
#   id: azure.vm_ssh_keys
#   severity: medium
#   types: [microsoft.compute/virtualmachines]
#   frameworks:
#     nist-800-53: ["IA-5"]
#     soc2: ["CC6.1"]
#     pci-dss: ["8.3.1"]
#   remediation: >-
#     Create the machine with SSH keys and disablePasswordAuthentication.
package watchstander.preparation.azure.vm_ssh_keys

machine := input.asset.document.properties

deny contains "The machine takes passwords over SSH." if {
	linux := machine.osProfile.linuxConfiguration
	object.get(linux, "disablePasswordAuthentication", false) == false
}

unknown contains "the machine's OS profile is missing" if not machine.osProfile
