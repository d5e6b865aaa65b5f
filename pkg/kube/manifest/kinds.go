// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package manifest

import (
	"regexp"

	"tilt.dev/session/pkg/model"
)

// Kind is a k8s_kind(): objects that are workloads, with or without image.
type Kind struct {
	Selector Selector
	// Readiness is empty if the call says nothing.
	Readiness model.PodReadiness
}

// DefaultKinds are the kinds that are there without k8s_kind(): Job, which has to succeed, and CronJob, which is ready
// when it's applied. Those of the Tiltfile come after them: the last one that matches an object counts.
func DefaultKinds() []Kind {
	batch := regexp.MustCompile(`^batch/`)
	return []Kind{
		{Selector{apiVersion: batch, kind: regexp.MustCompile(`^Job$`)}, model.PodReadinessSucceeded},
		{Selector{apiVersion: batch, kind: regexp.MustCompile(`^CronJob$`)}, model.PodReadinessIgnore},
	}
}

// IsWorkload is true for an object that gets a resource of its own: one that matches a kind, or one with an image,
// whether the project builds it or not. The image of a custom resource has to be at the place of a locator: its
// containers alone don't make it a workload.
func IsWorkload(o model.Object, kinds []Kind, locators []Locator, inEnv []ImageMatcher) (bool, error) {
	for _, kind := range kinds {
		if kind.Selector.Matches(o) {
			return true, nil
		}
	}
	located, err := locatedSites(o, locators)
	if err != nil || len(located) > 0 || !IDOf(o).builtIn() {
		return len(located) > 0, err
	}
	references, err := Images(o, nil, inEnv)
	return len(references) > 0, err
}

// Readiness returns when a resource of the objects is ready: as explicit says, else as the kinds of the objects say,
// where wait beats ignore and ignore beats succeeded. An object of another kind that has pods is waited for. Group is
// true for a resource that has neither a workload nor images nor selectors of pods: it's ready when it is applied,
// unless the kinds say otherwise.
//
// Tilt doesn't count pods of other kinds, so that a Deployment with a Job among its objects would have to succeed.
func Readiness(explicit model.PodReadiness, objects []model.Object, kinds []Kind, group bool) model.PodReadiness {
	if explicit != "" {
		return explicit
	}
	said := map[model.PodReadiness]bool{}
	for _, o := range objects {
		said[readinessOf(o, kinds)] = true
	}
	for _, mode := range []model.PodReadiness{
		model.PodReadinessWait, model.PodReadinessIgnore, model.PodReadinessSucceeded,
	} {
		if said[mode] {
			return mode
		}
	}
	if group {
		return model.PodReadinessIgnore
	}
	return model.PodReadinessWait
}

// readinessOf returns what an object adds to the readiness of its resource, "" for nothing.
func readinessOf(o model.Object, kinds []Kind) (mode model.PodReadiness) {
	if len(podSpecs(o)) > 0 && IDOf(o).builtIn() {
		mode = model.PodReadinessWait
	}
	for _, kind := range kinds {
		if kind.Selector.Matches(o) && kind.Readiness != "" {
			mode = kind.Readiness
		}
	}
	return mode
}
