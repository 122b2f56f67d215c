# METADATA
# title: Alerts of high severity are mailed
# description: >-
#   An alert that nobody hears of is found by the intruder's next victim.
# custom:
#   id: azure.contact_alerts
#   severity: medium
#   scope: account
#   joins:
#     microsoft.security/securitycontacts: [properties]
#   frameworks:
#     cis-azure: ["2.1.19"]
#     nist-800-53: ["SI-4"]
#     soc2: ["CC7.3"]
#     pci-dss: ["12.10.1"]
#   remediation: >-
#     Name a security contact in Defender for Cloud, with alerts of high severity and with the
#     role Owner.
package watchstander.preparation.azure.contact_alerts

told if {
	some contact in data.inventory["microsoft.security/securitycontacts"]
	contact.document.properties.alertNotifications.state == "On"
}

deny contains "Alerts are not mailed." if not told
