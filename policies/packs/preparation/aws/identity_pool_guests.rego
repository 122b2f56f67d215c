# METADATA
# title: Identity pools give nothing to strangers
# description: >-
#   A pool for unauthenticated identities gives AWS credentials to everybody.
# custom:
#   id: aws.identity_pool_guests
#   severity: high
#   types: [aws.cognito_identity_pool]
#   frameworks:
#     nist-800-53: ["AC-3", "IA-2"]
#     soc2: ["CC6.1"]
#     pci-dss: ["8.3.1"]
#   remediation: >-
#     Turn unauthenticated access off, or make its role nearly powerless.
package watchstander.preparation.aws.identity_pool_guests

deny contains "Strangers get credentials from the pool." if input.asset.document.Pool.AllowUnauthenticatedIdentities == true

unknown contains "Pool.AllowUnauthenticatedIdentities is missing" if object.get(input.asset.document, ["Pool", "AllowUnauthenticatedIdentities"], null) == null
