# METADATA
# title: Instances ignore the project's SSH keys
# description: >-
#   A key of the project opens every instance of it.
# custom:
#   id: gcp.instance_project_keys
#   severity: medium
#   types: [compute.googleapis.com/Instance]
#   frameworks:
#     cis-gcp: ["4.3"]
#     nist-800-53: ["AC-6", "IA-5"]
#     soc2: ["CC6.1"]
#     pci-dss: ["8.2.2"]
#   remediation: >-
#     Set block-project-ssh-keys to true, or use OS Login.
package watchstander.preparation.gcp.instance_project_keys

asset := input.asset.document.resource.data

said := {lower(item.value) | some item in object.get(asset, ["metadata", "items"], []); item.key == "block-project-ssh-keys"}

deny contains "The project's SSH keys open the instance." if {
	asset.name
	not "true" in said
}

unknown contains "the instance's name is missing" if not asset.name
