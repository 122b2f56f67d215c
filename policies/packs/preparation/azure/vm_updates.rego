# METADATA
# title: Windows machines install updates
# description: >-
#   Most intrusions use holes for which there has been a fix for months.
# custom:
#   id: azure.vm_updates
#   severity: medium
#   types: [microsoft.compute/virtualmachines]
#   frameworks:
#     nist-800-53: ["SI-2"]
#     soc2: ["CC7.1"]
#     pci-dss: ["6.3.3"]
#   remediation: >-
#     Turn automatic updates on, or let Update Manager patch the machine.
package watchstander.preparation.azure.vm_updates

machine := input.asset.document.properties

deny contains "The machine does not install updates." if {
	windows := machine.osProfile.windowsConfiguration
	object.get(windows, "enableAutomaticUpdates", true) == false
	object.get(windows, ["patchSettings", "patchMode"], "") != "AutomaticByPlatform"
}

unknown contains "the machine's OS profile is missing" if not machine.osProfile
