# METADATA
# title: Secrets of clusters are encrypted with a key of ours
# description: >-
#   Secrets under your own key can be made unreadable at once by disabling the key.
# custom:
#   id: aws.eks_secrets_encrypted
#   severity: low
#   types: [aws.eks_cluster]
#   frameworks:
#     nist-800-53: ["SC-12", "SC-28"]
#     soc2: ["CC6.1"]
#     pci-dss: ["3.6.1"]
#   remediation: >-
#     Add an encryption configuration for secrets with a KMS key.
package watchstander.preparation.aws.eks_secrets_encrypted

encrypted if {
	some setup in input.asset.document.Cluster.encryptionConfig
	"secrets" in setup.resources
}

deny contains "Secrets have no key of ours." if not encrypted
