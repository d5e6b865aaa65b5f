// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package storage

import (
	"context"
	"strconv"

	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/apiserver/pkg/storage"
)

// resumed is a cached storage whose watches can go on from before its cache
// began: at another server, at this one before it was started again, or before
// the cache has lost its own watch. A cache knows nothing of that time and would
// end them, so they watch what is below it until they have caught up.
type resumed struct {
	storage.Interface
	below storage.Interface
	// since returns the version that the cache begins from, 0 while there's none.
	since func() uint64
	// catchUps has those watches.
	catchUps *catchUps
}

// Watch watches the cache, unless it begins before that.
func (r resumed) Watch(ctx context.Context, key string, options storage.ListOptions) (watch.Interface, error) {
	// What isn't a version is refused by the cache.
	version, _ := strconv.ParseUint(options.ResourceVersion, 10, 64)
	if 0 < version && version < r.since() && options.SendInitialEvents == nil {
		return r.catchUp(ctx, key, options)
	}
	return r.Interface.Watch(ctx, key, options)
}
