# METADATA
# title: Load balancers ask for TLS 1.2
# description: >-
#   Older versions can be broken on the way.
# custom:
#   id: gcp.tls_policy
#   severity: medium
#   types: [compute.googleapis.com/SslPolicy]
#   frameworks:
#     cis-gcp: ["3.9"]
#     nist-800-53: ["SC-8", "SC-13"]
#     soc2: ["CC6.7"]
#     pci-dss: ["4.2.1"]
#   remediation: >-
#     Set the minimum version to TLS 1.2 and the profile to modern or restricted.
package watchstander.preparation.gcp.tls_policy

asset := input.asset.document.resource.data

deny contains msg if {
	asset.minTlsVersion != "TLS_1_2"
	msg := sprintf("The minimum is %s.", [asset.minTlsVersion])
}

deny contains "The profile takes weak ciphers." if asset.profile == "COMPATIBLE"

unknown contains "the policy's version is missing" if not asset.minTlsVersion
