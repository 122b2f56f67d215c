# METADATA
# title: Instances have no serial port open
# description: >-
#   The serial port is a way in that no firewall rule sees.
# custom:
#   id: gcp.instance_serial_port
#   severity: medium
#   types: [compute.googleapis.com/Instance]
#   frameworks:
#     cis-gcp: ["4.5"]
#     nist-800-53: ["AC-17", "CM-7"]
#     soc2: ["CC6.6"]
#     pci-dss: ["2.2.4"]
#   remediation: >-
#     Remove serial-port-enable from the metadata.
package watchstander.preparation.gcp.instance_serial_port

asset := input.asset.document.resource.data

said := {lower(item.value) | some item in object.get(asset, ["metadata", "items"], []); item.key == "serial-port-enable"}

deny contains "The serial port is open." if {
	asset.name
	said & {"true", "1"} != set()
}

unknown contains "the instance's name is missing" if not asset.name
