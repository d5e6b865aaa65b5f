// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package manifest

import (
	"maps"
	"slices"

	"tilt.dev/session/pkg/model"
)

// templatePaths are where the built-in kinds have their pod template.
var templatePaths = [][]string{{"spec", "template"}, {"spec", "jobTemplate", "spec", "template"}, {"template"}}

// PodTemplates returns the pod templates of an object of a built-in kind. They are parts of the object.
func PodTemplates(o model.Object) (templates []map[string]any) {
	if !IDOf(o).builtIn() {
		return nil
	}
	for _, path := range templatePaths {
		if template := mapAt(o, path...); template != nil {
			templates = append(templates, template)
		}
	}
	return templates
}

// podLabels returns the labels of the pods of each pod template of the object.
func podLabels(o model.Object) (labels []map[string]string) {
	for _, template := range PodTemplates(o) {
		labels = append(labels, stringsAt(mapAt(template, "metadata"), "labels"))
	}
	return labels
}

// podSpecs returns the pod specs in an object: the maps that have a list of containers. They are parts of the object.
func podSpecs(o model.Object) (specs []map[string]any) {
	var find func(value any)
	find = func(value any) {
		switch value := value.(type) {
		case []any:
			for _, element := range value {
				find(element)
			}
		case map[string]any:
			if len(mapsAt(value, "containers")) > 0 {
				specs = append(specs, value)
				return
			}
			for _, key := range slices.Sorted(maps.Keys(value)) {
				find(value[key])
			}
		}
	}
	for _, key := range slices.Sorted(maps.Keys(o)) {
		if key != "metadata" && key != "status" {
			find(o[key])
		}
	}
	return specs
}

// containersOf returns all containers of a pod spec. They are parts of it.
func containersOf(podSpec map[string]any) []map[string]any {
	return slices.Concat(mapsAt(podSpec, "initContainers"), mapsAt(podSpec, "containers"),
		mapsAt(podSpec, "ephemeralContainers"))
}
