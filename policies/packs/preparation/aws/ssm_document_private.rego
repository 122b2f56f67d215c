# METADATA
# title: Systems Manager documents are not public
# description: >-
#   Documents tell how your machines are run, and sometimes with which passwords.
# custom:
#   id: aws.ssm_document_private
#   severity: high
#   types: [aws.ssm_document]
#   frameworks:
#     nist-800-53: ["AC-3"]
#     soc2: ["CC6.1"]
#     pci-dss: ["7.2.1"]
#   remediation: >-
#     Take `all` from the document's sharing, and block public sharing for the account.
package watchstander.preparation.aws.ssm_document_private

deny contains "Anyone may read the document." if "all" in input.asset.document.SharedWith
