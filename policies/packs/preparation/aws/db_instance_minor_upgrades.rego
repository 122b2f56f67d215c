# METADATA
# title: Databases take minor upgrades
# description: >-
#   Security fixes of an engine come as minor versions.
# custom:
#   id: aws.db_instance_minor_upgrades
#   severity: low
#   types: [aws.db_instance]
#   frameworks:
#     cis-aws: ["2.3.2"]
#     nist-800-53: ["SI-2"]
#     soc2: ["CC7.1"]
#     pci-dss: ["6.3.3"]
#   remediation: >-
#     Turn automatic minor upgrades on.
package watchstander.preparation.aws.db_instance_minor_upgrades

deny contains "Minor upgrades are not applied by themselves." if input.asset.document.AutoMinorVersionUpgrade == false

unknown contains "AutoMinorVersionUpgrade is missing" if object.get(input.asset.document, ["AutoMinorVersionUpgrade"], null) == null
