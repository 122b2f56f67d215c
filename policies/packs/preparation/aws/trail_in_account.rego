# METADATA
# title: The account has a trail over every region
# description: >-
#   Without a trail there is no answer to any question after an intrusion.
# custom:
#   id: aws.trail_in_account
#   severity: critical
#   scope: account
#   joins:
#     aws.cloudtrail: [IsMultiRegionTrail, Status]
#   frameworks:
#     cis-aws: ["3.1"]
#     nist-800-53: ["AU-2", "AU-12"]
#     soc2: ["CC7.2"]
#     pci-dss: ["10.2.1"]
#   remediation: >-
#     Make a trail of all regions, best one for the whole organisation, with its bucket in another
#     account.
package watchstander.preparation.aws.trail_in_account

covered if {
	some trail in data.inventory["aws.cloudtrail"]
	trail.document.IsMultiRegionTrail == true
	trail.document.Status.IsLogging == true
}

deny contains "No trail over every region is logging." if not covered
