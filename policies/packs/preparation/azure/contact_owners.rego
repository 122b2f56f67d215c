# METADATA
# title: Owners get security alerts
# description: >-
#   An alert that nobody hears of is found by the intruder's next victim.
# custom:
#   id: azure.contact_owners
#   severity: medium
#   scope: account
#   joins:
#     microsoft.security/securitycontacts: [properties]
#   frameworks:
#     cis-azure: ["2.1.17"]
#     nist-800-53: ["SI-4"]
#     soc2: ["CC7.3"]
#     pci-dss: ["12.10.1"]
#   remediation: >-
#     Name a security contact in Defender for Cloud, with alerts of high severity and with the
#     role Owner.
package watchstander.preparation.azure.contact_owners

told if {
	some contact in data.inventory["microsoft.security/securitycontacts"]
	contact.document.properties.notificationsByRole.state == "On"
	"Owner" in contact.document.properties.notificationsByRole.roles
}

deny contains "Owners are not told of alerts." if not told
