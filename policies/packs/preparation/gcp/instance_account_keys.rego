# METADATA
# title: No running instance's service account has keys that can be copied
# description: >-
#   An instance needs no key: its account is lent to it. Whoever finds a key of the account is the instance, from anywhere.
# custom:
#   id: gcp.instance_account_keys
#   severity: high
#   scope: account
#   joins:
#     compute.googleapis.com/Instance: [resource]
#     iam.googleapis.com/ServiceAccount: [resource]
#     iam.googleapis.com/ServiceAccountKey: [resource]
#   frameworks:
#     cis-gcp: ["1.4"]
#     nist-800-53: ["IA-5", "AC-6"]
#     soc2: ["CC6.1"]
#     pci-dss: ["8.6.3"]
#   remediation: >-
#     Disable the key; let what used it run as the instance does, or federate its identity.
package watchstander.preparation.gcp.instance_account_keys

deny contains {"msg": msg, "resource": instance.uid} if {
	some instance in data.inventory["compute.googleapis.com/Instance"]
	some owner in data.related[instance.uid]["iam.googleapis.com/ServiceAccount"]
	account := data.inventory["iam.googleapis.com/ServiceAccount"][owner]
	some position in data.related[account.uid]["iam.googleapis.com/ServiceAccountKey"]
	key := data.inventory["iam.googleapis.com/ServiceAccountKey"][position].document.resource.data
	key.keyType == "USER_MANAGED"
	object.get(key, "disabled", false) == false
	msg := sprintf("Its account %s has the key %s.", [account.document.resource.data.email, key.name])
}
