// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package kubeconfig

import (
	"context"
	"encoding/json"
	"fmt"
)

// Add writes the entry and makes this process its owner. An entry of the same
// name is replaced, unless it belongs to another process that runs: then the
// error says which. Entries of processes that have ended are dropped from the
// file on the way. The current context stays the one it is.
//
// Add calls warn with what other users could do to the file until then, or still
// can: see Replace.
//
// Add waits for the lock until ctx is done, but no longer than ten seconds.
func (l Location) Add(ctx context.Context, entry Entry, warn ...func(error)) error {
	owner, err := self()
	if err != nil {
		return fmt.Errorf("identify this process: %w", err)
	}
	extension, err := json.Marshal(owner)
	if err != nil {
		return err
	}
	name := entry.Name()
	warnAll := func(err error) {
		for _, w := range warn {
			w(err)
		}
	}
	return l.edit(ctx, name, warnAll, func(doc *document) error {
		if other, ok := ownerOf(name, doc.config.Contexts[name]); ok && other != owner && other.alive() {
			return fmt.Errorf("context %s belongs to the running process %d: stop it, or choose another port with --port", name, other.PID)
		}
		if err := doc.dropStale(name); err != nil {
			return err
		}
		return doc.put(name, [...]any{entry.cluster(), entry.context(extension), entry.user()})
	})
}

// dropStale removes the entries of processes that have ended, except for the
// one called keep.
func (d *document) dropStale(keep string) error {
	for name, context := range d.config.Contexts {
		owner, ok := ownerOf(name, context)
		if name == keep || !ok || owner.alive() {
			continue
		}
		if err := d.drop(name); err != nil {
			return err
		}
		d.forget(name)
	}
	return nil
}
