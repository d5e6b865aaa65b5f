// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"reflect"

	"tilt.dev/session/pkg/model"
)

// rebuilds tells whether a resource that was defined in one way has to be
// updated when it's defined in another one. What only says when it runs, or how
// it's shown, is no reason. That its first links are one is Tilt's
// idea.
func rebuilds(before, after *model.Resource) bool {
	return !reflect.DeepEqual(before.Update, after.Update) ||
		!reflect.DeepEqual(before.Serve, after.Serve) ||
		!reflect.DeepEqual(before.Readiness, after.Readiness) ||
		before.AllowParallel != after.AllowParallel ||
		!sameIgnores(before.Ignores, after.Ignores) ||
		len(before.Links) == 0 && len(after.Links) > 0
}
