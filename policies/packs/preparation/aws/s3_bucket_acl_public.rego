# METADATA
# title: No bucket ACL speaks of everyone
# description: >-
#   A grant to AllUsers publishes the list of objects, or lets strangers write them.
# custom:
#   id: aws.s3_bucket_acl_public
#   severity: critical
#   types: [aws.s3_bucket]
#   frameworks:
#     cis-aws: ["2.1.4"]
#     nist-800-53: ["AC-3"]
#     soc2: ["CC6.1"]
#     pci-dss: ["7.2.1"]
#   remediation: >-
#     Remove the grant, and turn ACLs off for the bucket.
package watchstander.preparation.aws.s3_bucket_acl_public

groups := {"http://acs.amazonaws.com/groups/global/AllUsers", "http://acs.amazonaws.com/groups/global/AuthenticatedUsers"}

deny contains msg if {
	some grant in input.asset.document.Acl.Grants
	grant.Grantee.URI in groups
	object.get(input.asset.document, ["PublicAccessBlock", "IgnorePublicAcls"], false) == false
	msg := sprintf("%s has %s.", [regex.replace(grant.Grantee.URI, "^.*/", ""), grant.Permission])
}
