# METADATA
# title: The organisation lets in its own people only
# description: >-
#   Without the constraint anybody with a Google account can be given a role, by mistake or by an
#   intruder.
# custom:
#   id: gcp.organization_domains
#   severity: high
#   types: [cloudresourcemanager.googleapis.com/Organization]
#   frameworks:
#     cis-gcp: ["1.1"]
#     nist-800-53: ["AC-2", "AC-3"]
#     soc2: ["CC6.2"]
#     pci-dss: ["7.2.1"]
#   remediation: >-
#     Set iam.allowedPolicyMemberDomains on the organisation to your own customer ids.
package watchstander.preparation.gcp.organization_domains

restricted if {
	some set in input.asset.document.orgPolicy
	set.constraint == "constraints/iam.allowedPolicyMemberDomains"
	count(set.listPolicy.allowedValues) > 0
	object.get(set.listPolicy, "allValues", "") != "ALLOW"
}

deny contains "Anybody with a Google account can be given a role." if not restricted
