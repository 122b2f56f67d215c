# METADATA
# title: Distributions redirect to HTTPS
# description: >-
#   Sessions sent in the clear can be taken over.
# custom:
#   id: aws.cloudfront_https
#   severity: medium
#   types: [aws.cloudfront_distribution]
#   frameworks:
#     nist-800-53: ["SC-8"]
#     soc2: ["CC6.7"]
#     pci-dss: ["4.2.1"]
#   remediation: >-
#     Redirect viewers to HTTPS in every behaviour.
package watchstander.preparation.aws.cloudfront_https

deny contains "The distribution answers over plain HTTP." if input.asset.document.Config.DefaultCacheBehavior.ViewerProtocolPolicy == "allow-all"

unknown contains "Config.DefaultCacheBehavior.ViewerProtocolPolicy is missing" if object.get(input.asset.document, ["Config", "DefaultCacheBehavior", "ViewerProtocolPolicy"], null) == null
