# METADATA
# title: File servers do not speak plain FTP
# description: >-
#   FTP sends the password in the clear.
# custom:
#   id: aws.transfer_plain
#   severity: high
#   types: [aws.transfer_server]
#   frameworks:
#     nist-800-53: ["CM-7", "SC-8"]
#     soc2: ["CC6.7"]
#     pci-dss: ["2.2.5"]
#   remediation: >-
#     Offer SFTP or FTPS instead.
package watchstander.preparation.aws.transfer_plain

deny contains "The server speaks plain FTP." if "FTP" in input.asset.document.Server.Protocols

unknown contains "the server's protocols are missing" if not input.asset.document.Server.Protocols
