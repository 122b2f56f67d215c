# METADATA
# title: Containers are not privileged
# description: >-
#   A privileged container is its host.
# custom:
#   id: aws.ecs_task_privileged
#   severity: high
#   types: [aws.ecs_task_definition]
#   frameworks:
#     nist-800-53: ["AC-6", "CM-7"]
#     soc2: ["CC6.3"]
#     pci-dss: ["2.2.6"]
#   remediation: >-
#     Take `privileged` out of the definition; give single capabilities where they are needed.
package watchstander.preparation.aws.ecs_task_privileged

deny contains msg if {
	some container in input.asset.document.Newest.taskDefinition.containerDefinitions
	container.privileged == true
	msg := sprintf("Container %s is privileged.", [container.name])
}

unknown contains "the definition's containers are missing" if not input.asset.document.Newest.taskDefinition.containerDefinitions
