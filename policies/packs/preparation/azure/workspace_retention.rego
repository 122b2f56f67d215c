# METADATA
# title: Log workspaces keep logs for a quarter
# description: >-
#   Intruders are found after weeks; logs must still be there then.
# custom:
#   id: azure.workspace_retention
#   severity: medium
#   types: [microsoft.operationalinsights/workspaces]
#   frameworks:
#     nist-800-53: ["AU-11"]
#     soc2: ["CC7.3"]
#     pci-dss: ["10.5.1"]
#   remediation: >-
#     Keep the workspace's data for 90 days or longer.
package watchstander.preparation.azure.workspace_retention

deny contains "Logs are kept for less than 90 days." if input.asset.document.properties.retentionInDays < 90

unknown contains "properties.retentionInDays is missing" if object.get(input.asset.document, ["properties", "retentionInDays"], null) == null
