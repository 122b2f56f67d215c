# METADATA
# title: Functions run on what is maintained
# description: >-
#   A runtime that has ended gets no security fixes.
# custom:
#   id: aws.lambda_runtime
#   severity: medium
#   types: [aws.lambda_function]
#   frameworks:
#     nist-800-53: ["SI-2"]
#     soc2: ["CC7.1"]
#     pci-dss: ["6.3.3"]
#   parameters:
#     ended: [python2.7, python3.6, python3.7, python3.8, nodejs10.x, nodejs12.x, nodejs14.x, nodejs16.x, nodejs18.x, ruby2.5, ruby2.7, java8, go1.x, dotnetcore3.1, dotnet6, provided]
#   remediation: >-
#     Move the function to a runtime that is maintained. The parameter `ended` lists those that are
#     not.
package watchstander.preparation.aws.lambda_runtime

deny contains msg if {
	runtime := object.get(input.asset.document, "Runtime", "")
	runtime in data.parameters.ended
	msg := sprintf("The runtime %s has ended.", [runtime])
}
