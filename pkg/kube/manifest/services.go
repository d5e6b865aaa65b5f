// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package manifest

import (
	"k8s.io/apimachinery/pkg/labels"

	"tilt.dev/session/pkg/model"
)

// ServicesOf returns for each object the index of the workload that it belongs to as its Service, or -1. A Service
// belongs to the first workload with a pod template whose labels its selector matches. It has to be in the namespace
// of the workload, in "default", or to name none. A Service without selector belongs to no workload.
func ServicesOf(workloads, objects []model.Object) []int {
	owners := make([]int, len(objects))
	for i, o := range objects {
		owners[i] = ownerOf(o, workloads)
	}
	return owners
}

func ownerOf(o model.Object, workloads []model.Object) int {
	id, spec := IDOf(o), mapAt(o, "spec")
	selector := stringsAt(spec, "selector")
	isWrong := len(selector) < len(mapAt(spec, "selector"))
	if id.APIVersion != "v1" || id.Kind != "Service" || len(selector) == 0 || isWrong {
		return -1
	}
	for i, workload := range workloads {
		if id.namespace() != "default" && id.namespace() != IDOf(workload).namespace() {
			continue
		}
		for _, pod := range podLabels(workload) {
			if labels.SelectorFromSet(selector).Matches(labels.Set(pod)) {
				return i
			}
		}
	}
	return -1
}
