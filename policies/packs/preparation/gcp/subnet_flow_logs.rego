# METADATA
# title: Subnets log their flows
# description: >-
#   Flow logs tell which hosts a compromised one talked to.
# custom:
#   id: gcp.subnet_flow_logs
#   severity: medium
#   types: [compute.googleapis.com/Subnetwork]
#   terraform_types: [google_compute_subnetwork]
#   frameworks:
#     cis-gcp: ["3.8"]
#     nist-800-53: ["AU-12", "SI-4"]
#     soc2: ["CC7.2"]
#     pci-dss: ["10.2.1"]
#   remediation: >-
#     Turn flow logs on for the subnet.
package watchstander.preparation.gcp.subnet_flow_logs

subnet := input.resource.google_compute_subnetwork.main

# Proxy-only and Private Service Connect subnets cannot log.
deny contains "The subnet does not log its flows." if {
	subnet.purpose == "PRIVATE"
	count(subnet.log_config) == 0
}
