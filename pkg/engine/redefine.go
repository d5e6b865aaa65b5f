// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"reflect"

	"tilt.dev/session/pkg/model"
)

// rebuilds reports whether a change of a resource's definition requires an update. A change of when it runs or how
// it is shown does not. Its first links do, as in Tilt.
func rebuilds(before, after *model.Resource) bool {
	return !reflect.DeepEqual(before.Update, after.Update) ||
		!reflect.DeepEqual(before.Serve, after.Serve) ||
		!reflect.DeepEqual(before.Readiness, after.Readiness) ||
		before.AllowParallel != after.AllowParallel ||
		!sameIgnores(before.Ignores, after.Ignores) ||
		len(before.Links) == 0 && len(after.Links) > 0
}
