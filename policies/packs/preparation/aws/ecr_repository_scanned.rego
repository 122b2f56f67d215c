# METADATA
# title: Images are scanned when they are pushed
# description: >-
#   A hole that is known on Monday should not be deployed on Tuesday.
# custom:
#   id: aws.ecr_repository_scanned
#   severity: low
#   types: [aws.ecr_repository]
#   frameworks:
#     nist-800-53: ["RA-5", "SI-2"]
#     soc2: ["CC7.1"]
#     pci-dss: ["11.3.1"]
#   remediation: >-
#     Turn scanning on push on, or enhanced scanning for the registry.
package watchstander.preparation.aws.ecr_repository_scanned

deny contains "Images are not scanned when they are pushed." if input.asset.document.imageScanningConfiguration.scanOnPush == false

unknown contains "imageScanningConfiguration.scanOnPush is missing" if object.get(input.asset.document, ["imageScanningConfiguration", "scanOnPush"], null) == null
