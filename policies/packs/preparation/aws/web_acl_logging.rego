# METADATA
# title: Web firewalls log
# description: >-
#   Without logs nobody knows what was refused, or let through.
# custom:
#   id: aws.web_acl_logging
#   severity: low
#   types: [aws.wafv2_web_acl, aws.wafv2_web_acl_global]
#   frameworks:
#     nist-800-53: ["AU-12", "SI-4"]
#     soc2: ["CC7.2"]
#     pci-dss: ["10.2.1", "6.4.2"]
#   remediation: >-
#     Send the web ACL's log to a bucket, a stream or a log group.
package watchstander.preparation.aws.web_acl_logging

deny contains "The web ACL does not log." if object.get(input.asset.document, "Logging", null) == null
