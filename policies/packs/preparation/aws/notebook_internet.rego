# METADATA
# title: Notebooks do not go to the Internet by themselves
# description: >-
#   A notebook holds data and runs anything; its way out should be your network's.
# custom:
#   id: aws.notebook_internet
#   severity: medium
#   types: [aws.sagemaker_notebook_instance]
#   frameworks:
#     nist-800-53: ["AC-4", "SC-7"]
#     soc2: ["CC6.6"]
#     pci-dss: ["1.3.2"]
#   remediation: >-
#     Make the notebook anew in a VPC without direct access.
package watchstander.preparation.aws.notebook_internet

deny contains "The notebook goes to the Internet directly." if input.asset.document.Notebook.DirectInternetAccess == "Enabled"

unknown contains "Notebook.DirectInternetAccess is missing" if object.get(input.asset.document, ["Notebook", "DirectInternetAccess"], null) == null
