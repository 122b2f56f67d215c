# METADATA
# title: Service Bus knows people, not keys
# description: >-
#   Who holds a namespace's key is nobody in the log.
# custom:
#   id: azure.servicebus_local_auth
#   severity: low
#   types: [microsoft.servicebus/namespaces]
#   frameworks:
#     nist-800-53: ["AC-3", "IA-2"]
#     soc2: ["CC6.1"]
#     pci-dss: ["8.2.2"]
#   remediation: >-
#     Move clients to Entra ID and disable local authentication.
package watchstander.preparation.azure.servicebus_local_auth

properties := input.asset.document.properties

deny contains "The namespace takes its keys." if object.get(properties, "disableLocalAuth", false) != true

unknown contains "the properties are missing" if not input.asset.document.properties
