# METADATA
# title: Buckets refuse plain HTTP
# description: >-
#   A request over HTTP shows its object to whoever is on the way.
# custom:
#   id: aws.s3_bucket_tls
#   severity: medium
#   types: [aws.s3_bucket]
#   frameworks:
#     cis-aws: ["2.1.1"]
#     nist-800-53: ["SC-8"]
#     soc2: ["CC6.7"]
#     pci-dss: ["4.2.1"]
#   remediation: >-
#     Deny every action of everyone where aws:SecureTransport is false.
package watchstander.preparation.aws.s3_bucket_tls

as_list(value) := value if is_array(value)

as_list(value) := [value] if not is_array(value)

refuses if {
	some statement in as_list(input.asset.document.Policy.Statement)
	statement.Effect == "Deny"
	some action in as_list(statement.Action)
	action in {"s3:*", "*"}
	some value in as_list(statement.Condition.Bool["aws:SecureTransport"])
	lower(format(value)) == "false"
}

format(value) := value if is_string(value)

format(value) := json.marshal(value) if not is_string(value)

deny contains "Requests over plain HTTP are answered." if not refuses
