# METADATA
# title: Search domains refuse plain HTTP
# description: >-
#   Queries and passwords sent in the clear can be read on the way.
# custom:
#   id: aws.opensearch_https
#   severity: medium
#   types: [aws.opensearch_domain]
#   frameworks:
#     nist-800-53: ["SC-8"]
#     soc2: ["CC6.7"]
#     pci-dss: ["4.2.1"]
#   remediation: >-
#     Enforce HTTPS, with a policy of TLS 1.2.
package watchstander.preparation.aws.opensearch_https

deny contains "The domain answers over plain HTTP." if input.asset.document.Domain.DomainEndpointOptions.EnforceHTTPS == false

unknown contains "Domain.DomainEndpointOptions.EnforceHTTPS is missing" if object.get(input.asset.document, ["Domain", "DomainEndpointOptions", "EnforceHTTPS"], null) == null
