# METADATA
# title: Resources carry the labels that were asked for
# custom:
#   id: house.labels
#   severity: high
#   types: ["*"]
#   parameters:
#     labels: {}
package house.labels

# Services keep their labels in different places.
places := [["labels"], ["settings", "userLabels"], ["resourceLabels"], ["instance", "labels"]]

data_of := input.asset.document.resource.data

labels := object.union_n([object.get(data_of, place, {}) | some place in places])

deny contains sprintf("The label %s is missing or not as it must be.", [name]) if {
	some name, pattern in data.parameters.labels
	not regex.match(pattern, object.get(labels, [name], ""))
}

unknown contains "the asset's data is missing" if not data_of
