# METADATA
# title: A security contact gets alerts
# description: >-
#   An alert that nobody hears of is found by the intruder's next victim.
# custom:
#   id: azure.contact_named
#   severity: medium
#   scope: account
#   joins:
#     microsoft.security/securitycontacts: [properties]
#   frameworks:
#     cis-azure: ["2.1.18"]
#     nist-800-53: ["SI-4"]
#     soc2: ["CC7.3"]
#     pci-dss: ["12.10.1"]
#   remediation: >-
#     Name a security contact in Defender for Cloud, with alerts of high severity and with the
#     role Owner.
package watchstander.preparation.azure.contact_named

told if {
	some contact in data.inventory["microsoft.security/securitycontacts"]
	trim_space(object.get(contact.document.properties, "emails", "")) != ""
}

deny contains "No address is told of alerts." if not told
