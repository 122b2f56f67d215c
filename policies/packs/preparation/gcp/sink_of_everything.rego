# METADATA
# title: Every log entry is kept elsewhere too
# description: >-
#   Logs in the project itself go with the project, or with its owner's account.
# custom:
#   id: gcp.sink_of_everything
#   severity: medium
#   scope: account
#   joins:
#     logging.googleapis.com/LogSink: [resource]
#   frameworks:
#     cis-gcp: ["2.2"]
#     nist-800-53: ["AU-4", "AU-9"]
#     soc2: ["CC7.2"]
#     pci-dss: ["10.3.3"]
#   remediation: >-
#     Make a sink without a filter to a bucket or project that few may touch. A sink of the
#     organisation does for all projects: then switch this policy off.
package watchstander.preparation.gcp.sink_of_everything

kept if {
	some found in data.inventory["logging.googleapis.com/LogSink"]
	sink := found.document.resource.data
	object.get(sink, "filter", "") == ""
	object.get(sink, "disabled", false) == false
}

deny contains "No sink takes every log entry." if not kept
