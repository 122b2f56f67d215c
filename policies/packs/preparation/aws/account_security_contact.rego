# METADATA
# title: The account names a contact for security
# description: >-
#   AWS writes to this address when it sees your keys in public or your machines attacking others.
# custom:
#   id: aws.account_security_contact
#   severity: medium
#   types: [aws.account_contacts]
#   frameworks:
#     cis-aws: ["1.2"]
#     nist-800-53: ["IR-4"]
#     soc2: ["CC7.4"]
#     pci-dss: ["12.10.5"]
#   remediation: >-
#     Set the alternate contact for security to a mailbox that is read day and night.
package watchstander.preparation.aws.account_security_contact

deny contains "There is no contact for security." if object.get(input.asset.document, "Security", null) == null
