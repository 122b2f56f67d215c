# METADATA
# title: Instances get credentials from a role
# description: >-
#   An instance without a role tempts people to put keys on its disk.
# custom:
#   id: aws.ec2_instance_role
#   severity: low
#   types: [aws.ec2_instance]
#   frameworks:
#     cis-aws: ["1.18"]
#     nist-800-53: ["IA-5"]
#     soc2: ["CC6.1"]
#     pci-dss: ["8.6.2"]
#   remediation: >-
#     Attach an instance profile with the permissions its work needs.
package watchstander.preparation.aws.ec2_instance_role

deny contains "The instance has no instance profile." if object.get(input.asset.document, "IamInstanceProfile", null) == null
