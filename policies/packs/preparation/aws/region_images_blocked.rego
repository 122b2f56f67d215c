# METADATA
# title: Images cannot be made public
# description: >-
#   The block of the region holds whatever is set on an image tomorrow.
# custom:
#   id: aws.region_images_blocked
#   severity: medium
#   types: [aws.ec2_settings]
#   frameworks:
#     nist-800-53: ["AC-3"]
#     soc2: ["CC6.1"]
#     pci-dss: ["7.2.1"]
#   remediation: >-
#     Block public sharing of images in every region.
package watchstander.preparation.aws.region_images_blocked

deny contains "Images may be made public in this region." if input.asset.document.ImageBlockPublicAccess == "unblocked"

unknown contains "ImageBlockPublicAccess is missing" if object.get(input.asset.document, ["ImageBlockPublicAccess"], null) == null
