# METADATA
# title: No instance with a public address can be administered from everywhere
# description: >-
#   A public address and an administration port that a group opens to everyone make a machine that anybody can log in to;
#   either alone does not.
# custom:
#   id: aws.instance_reachable
#   severity: critical
#   scope: account
#   joins:
#     aws.ec2_instance: [PublicIpAddress, SecurityGroups]
#     aws.security_group: [GroupId, IpPermissions]
#   frameworks:
#     cis-aws: ["5.2", "5.3"]
#     nist-800-53: ["AC-4", "SC-7"]
#     soc2: ["CC6.6"]
#     pci-dss: ["1.3.1"]
#   parameters:
#     ports: [22, 3389]
#   remediation: >-
#     Take the address or the rule away; use Session Manager or a bastion whose source addresses are known.
package watchstander.preparation.aws.instance_reachable

deny contains {"msg": msg, "resource": instance.uid} if {
	some instance in data.inventory["aws.ec2_instance"]
	address := instance.document.PublicIpAddress
	some position in data.related[instance.uid]["aws.security_group"]
	group := data.inventory["aws.security_group"][position]
	some port in data.parameters.ports
	some permission in group.document.IpPermissions
	includes(permission, port)
	some range in ranges(permission)
	range in {"0.0.0.0/0", "::/0"}
	msg := sprintf("Port %d of %s is open to %s by the group %s.", [port, address, range, group.name])
}

ranges(permission) := array.concat(
	[range.CidrIp | some range in permission.IpRanges],
	[range.CidrIpv6 | some range in object.get(permission, "Ipv6Ranges", [])],
)

includes(permission, _) if permission.IpProtocol == "-1"

includes(permission, port) if {
	permission.IpProtocol == "tcp"
	permission.FromPort <= port
	permission.ToPort >= port
}
