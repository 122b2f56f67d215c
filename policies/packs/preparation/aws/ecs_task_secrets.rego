# METADATA
# title: Secrets are not in a task's environment
# description: >-
#   Whoever may read the definition reads its environment, and it is shown in every console.
# custom:
#   id: aws.ecs_task_secrets
#   severity: high
#   types: [aws.ecs_task_definition]
#   frameworks:
#     nist-800-53: ["IA-5"]
#     soc2: ["CC6.1"]
#     pci-dss: ["8.6.2"]
#   parameters:
#     words: [password, secret_key, access_key, private_key, api_key]
#   remediation: >-
#     Put the value into Secrets Manager and name it below `secrets`.
package watchstander.preparation.aws.ecs_task_secrets

deny contains msg if {
	some container in input.asset.document.Newest.taskDefinition.containerDefinitions
	some variable in container.environment
	some word in data.parameters.words
	contains(lower(variable.name), word)
	msg := sprintf("Container %s has %s in its environment.", [container.name, variable.name])
}

unknown contains "the definition's containers are missing" if not input.asset.document.Newest.taskDefinition.containerDefinitions
