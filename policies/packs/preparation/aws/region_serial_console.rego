# METADATA
# title: The serial console is closed
# description: >-
#   The serial console is a way in that no security group sees.
# custom:
#   id: aws.region_serial_console
#   severity: low
#   types: [aws.ec2_settings]
#   frameworks:
#     nist-800-53: ["AC-17", "CM-7"]
#     soc2: ["CC6.6"]
#     pci-dss: ["2.2.4"]
#   remediation: >-
#     Disable access to the serial console, and enable it only while it is needed.
package watchstander.preparation.aws.region_serial_console

deny contains "The serial console is open in this region." if input.asset.document.SerialConsoleAccess == true

unknown contains "SerialConsoleAccess is missing" if object.get(input.asset.document, ["SerialConsoleAccess"], null) == null
