# METADATA
# title: Builds are not privileged
# description: >-
#   A privileged build is its host, and runs what a pull request says.
# custom:
#   id: aws.codebuild_privileged
#   severity: medium
#   types: [aws.codebuild_project]
#   frameworks:
#     nist-800-53: ["AC-6", "CM-7"]
#     soc2: ["CC8.1"]
#     pci-dss: ["2.2.6"]
#   remediation: >-
#     Turn privileged mode off, except for projects that build images.
package watchstander.preparation.aws.codebuild_privileged

deny contains "Builds of the project are privileged." if input.asset.document.Project.environment.privilegedMode == true

unknown contains "Project.environment.privilegedMode is missing" if object.get(input.asset.document, ["Project", "environment", "privilegedMode"], null) == null
