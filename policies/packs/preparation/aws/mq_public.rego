# METADATA
# title: Brokers have no public address
# description: >-
#   A broker that the Internet can reach is one leaked password from being emptied.
# custom:
#   id: aws.mq_public
#   severity: high
#   types: [aws.mq_broker]
#   frameworks:
#     nist-800-53: ["SC-7"]
#     soc2: ["CC6.6"]
#     pci-dss: ["1.3.1"]
#   remediation: >-
#     Make the broker anew without a public address.
package watchstander.preparation.aws.mq_public

deny contains "The broker has a public address." if input.asset.document.Broker.PubliclyAccessible == true

unknown contains "Broker.PubliclyAccessible is missing" if object.get(input.asset.document, ["Broker", "PubliclyAccessible"], null) == null
