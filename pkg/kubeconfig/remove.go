// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package kubeconfig

import (
	"context"
	"slices"
)

// Remove takes the entry out of the file it's in, if it's still the one that
// was added and not another one that has its name by now. If it was the current
// context there's none afterwards. An entry that isn't there any more is no
// error.
//
// Remove waits for the lock until ctx is done, but no longer than ten seconds.
func (l Location) Remove(ctx context.Context, entry Entry) error {
	if !slices.ContainsFunc(l.Files, exists) {
		return nil
	}
	name := entry.Name()
	return l.edit(ctx, name, func(error) {}, func(doc *document) error {
		user := doc.config.AuthInfos[name]
		if user == nil || user.Token != entry.Token {
			return nil
		}
		doc.forget(name)
		return doc.drop(name)
	})
}
