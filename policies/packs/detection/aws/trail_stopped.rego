# METADATA
# title: A trail was stopped
# description: >-
#   A trail that logged and does not any more was stopped by somebody; it is what intruders do first.
# custom:
#   id: detection.aws.trail_stopped
#   severity: critical
#   types: [aws.cloudtrail]
#   frameworks:
#     nist-800-53: ["AU-5", "SI-4"]
#     soc2: ["CC7.3"]
#     pci-dss: ["10.7.2"]
#   remediation: >-
#     Start the trail again, and look up StopLogging in the other trails for who did it.
package watchstander.detection.aws.trail_stopped

status := input.asset.document.Status

deny contains msg if {
	status.IsLogging == false
	stopped := object.get(status, "StopLoggingTime", null)
	stopped != null
	msg := sprintf("Logging was stopped at %s.", [stopped])
}
