# METADATA
# title: A service perimeter restricts something
# description: >-
#   A perimeter that is only tried out, or names no service, keeps nobody from copying data out.
# custom:
#   id: gcp.perimeter_restricts
#   severity: medium
#   types: [accesscontextmanager.googleapis.com/ServicePerimeter]
#   frameworks:
#     nist-800-53: ["AC-4", "SC-7"]
#     soc2: ["CC6.6"]
#     pci-dss: ["1.3.2"]
#   remediation: >-
#     Enforce the perimeter with the services that hold data.
package watchstander.preparation.gcp.perimeter_restricts

perimeter := input.asset.document.servicePerimeter

deny contains "The perimeter restricts no service." if {
	object.get(perimeter, "perimeterType", "") != "PERIMETER_TYPE_BRIDGE"
	count(object.get(perimeter, ["status", "restrictedServices"], [])) == 0
}

unknown contains "the perimeter's content is missing" if not input.asset.document.servicePerimeter
