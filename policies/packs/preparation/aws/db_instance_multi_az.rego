# METADATA
# title: Databases stand in two zones
# description: >-
#   A database in one zone is gone as long as the zone is.
# custom:
#   id: aws.db_instance_multi_az
#   severity: low
#   types: [aws.db_instance]
#   frameworks:
#     nist-800-53: ["CP-10"]
#     soc2: ["A1.2"]
#     pci-dss: ["12.10.1"]
#   remediation: >-
#     Make the database a multi-AZ one.
package watchstander.preparation.aws.db_instance_multi_az

deny contains "The database stands in one zone." if input.asset.document.MultiAZ == false

unknown contains "MultiAZ is missing" if object.get(input.asset.document, ["MultiAZ"], null) == null
