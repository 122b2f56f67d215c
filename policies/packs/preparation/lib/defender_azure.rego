# Whether a plan of Defender for Cloud is on in a subscription of Azure.
package watchstander.lib.defender_azure

on(plan) if {
	some found in data.inventory["microsoft.security/pricings"]
	lower(found.document.name) == lower(plan)
	lower(found.document.properties.pricingTier) == "standard"
}
