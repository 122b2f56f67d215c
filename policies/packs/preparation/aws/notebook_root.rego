# METADATA
# title: Users of notebooks are not root
# description: >-
#   Root on the notebook can take its role's credentials and its logs away.
# custom:
#   id: aws.notebook_root
#   severity: low
#   types: [aws.sagemaker_notebook_instance]
#   frameworks:
#     nist-800-53: ["AC-6"]
#     soc2: ["CC6.3"]
#     pci-dss: ["7.2.2"]
#   remediation: >-
#     Disable root access.
package watchstander.preparation.aws.notebook_root

deny contains "Users are root on the notebook." if input.asset.document.Notebook.RootAccess == "Enabled"

unknown contains "Notebook.RootAccess is missing" if object.get(input.asset.document, ["Notebook", "RootAccess"], null) == null
