# METADATA
# title: Instances know people by OS Login
# description: >-
#   SSH keys in metadata outlive the person; OS Login asks IAM each time.
# custom:
#   id: gcp.instance_os_login
#   severity: medium
#   types: [compute.googleapis.com/Instance]
#   frameworks:
#     cis-gcp: ["4.4"]
#     nist-800-53: ["AC-2", "IA-2"]
#     soc2: ["CC6.1"]
#     pci-dss: ["8.2.1"]
#   remediation: >-
#     Set enable-oslogin to TRUE, best for the whole project.
package watchstander.preparation.gcp.instance_os_login

asset := input.asset.document.resource.data

said := {lower(item.value) | some item in object.get(asset, ["metadata", "items"], []); item.key == "enable-oslogin"}

deny contains "OS Login is not enabled on the instance." if {
	asset.name
	not "true" in said
}

unknown contains "the instance's name is missing" if not asset.name
