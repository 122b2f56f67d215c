# METADATA
# title: Function addresses know their callers
# description: >-
#   A function's own address without authentication is on the Internet.
# custom:
#   id: aws.lambda_url_auth
#   severity: high
#   types: [aws.lambda_function]
#   frameworks:
#     nist-800-53: ["AC-3"]
#     soc2: ["CC6.6"]
#     pci-dss: ["1.3.1"]
#   remediation: >-
#     Set the address's authentication to AWS_IAM, or put the function behind a gateway.
package watchstander.preparation.aws.lambda_url_auth

deny contains "The function has an address that asks nobody who they are." if {
	some url in input.asset.document.Urls
	url.AuthType == "NONE"
}
