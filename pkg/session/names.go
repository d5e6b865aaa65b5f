// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package session

import "tilt.dev/session/pkg/engine"

// TiltfileTarget is the name of the target that evaluates the Tiltfile.
const TiltfileTarget = "tiltfile:update"

// TargetNames are the names that a resource or an image of a snapshot has among targets: those of its update and of its
// runtime, empty for one that it doesn't have.
func TargetNames(r *engine.ResourceState) (update, runtime string) {
	switch {
	case r.Resources != nil:
		return imageName(r.Name), ""
	case r.Update != nil:
		update = targetName(r.Name, "update")
	}
	if r.Runtime != nil {
		runtime = targetName(r.Name, r.Runtime.Verb)
	}
	return update, runtime
}
