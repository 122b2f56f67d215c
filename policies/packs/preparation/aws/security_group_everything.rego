# METADATA
# title: No group lets everything in
# description: >-
#   A rule for every protocol from everywhere makes the other rules decoration.
# custom:
#   id: aws.security_group_everything
#   severity: critical
#   types: [aws.security_group]
#   frameworks:
#     nist-800-53: ["AC-4", "SC-7"]
#     soc2: ["CC6.6"]
#     pci-dss: ["1.3.1"]
#   remediation: >-
#     Replace the rule by one for each port that is served.
package watchstander.preparation.aws.security_group_everything

everywhere := {"0.0.0.0/0", "::/0"}

deny contains msg if {
	some rule in input.asset.document.IpPermissions
	rule.IpProtocol == "-1"
	some range in array.concat(
		[found.CidrIp | some found in object.get(rule, "IpRanges", [])],
		[found.CidrIpv6 | some found in object.get(rule, "Ipv6Ranges", [])],
	)
	range in everywhere
	msg := sprintf("Everything is open to %s.", [range])
}
