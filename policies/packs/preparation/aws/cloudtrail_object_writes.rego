# METADATA
# title: Trails record object writes
# description: >-
#   After ransomware the first question is which objects were written, and by whom.
# custom:
#   id: aws.cloudtrail_object_writes
#   severity: low
#   types: [aws.cloudtrail]
#   frameworks:
#     cis-aws: ["3.8"]
#     nist-800-53: ["AU-12"]
#     soc2: ["CC7.2"]
#     pci-dss: ["10.2.1.1"]
#   remediation: >-
#     Add a data event selector for S3 objects to the trail.
package watchstander.preparation.aws.cloudtrail_object_writes

selectors := input.asset.document.Selectors

listed(value) := value if is_array(value)

listed(value) := [] if value == null

records if {
	some selector in listed(selectors.EventSelectors)
	selector.ReadWriteType in {"All", "WriteOnly"}
	some resource in selector.DataResources
	resource.Type == "AWS::S3::Object"
}

records if {
	some selector in listed(selectors.AdvancedEventSelectors)
	some field in selector.FieldSelectors
	field.Field == "resources.type"
	"AWS::S3::Object" in field.Equals
	not leaves_out(selector)
}

leaves_out(selector) if {
	some field in selector.FieldSelectors
	field.Field == "readOnly"
	not "false" in field.Equals
}

deny contains "The trail does not record writes of S3 objects." if not records
