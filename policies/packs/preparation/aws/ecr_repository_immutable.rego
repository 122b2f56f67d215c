# METADATA
# title: Tags of images stay what they are
# description: >-
#   A tag that can be moved lets another image in under a name that was checked.
# custom:
#   id: aws.ecr_repository_immutable
#   severity: low
#   types: [aws.ecr_repository]
#   frameworks:
#     nist-800-53: ["CM-3", "SI-7"]
#     soc2: ["CC8.1"]
#     pci-dss: ["11.5.2"]
#   remediation: >-
#     Make the repository's tags immutable.
package watchstander.preparation.aws.ecr_repository_immutable

deny contains "Tags can be moved to other images." if input.asset.document.imageTagMutability == "MUTABLE"

unknown contains "imageTagMutability is missing" if object.get(input.asset.document, ["imageTagMutability"], null) == null
