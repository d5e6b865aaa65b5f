// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package delivery

import (
	"cmp"
	"context"
	"slices"
	"strconv"

	"k8s.io/apimachinery/pkg/api/meta"
	metainternalversion "k8s.io/apimachinery/pkg/apis/meta/internalversion"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/storage"
)

// maxWrites is the minimum number of writes that are kept. A watch that lags behind by more waits
// for the newest of them that it selects.
const maxWrites = 256

// attributes has the labels and fields of an object that selectors match.
type attributes struct {
	labels labels.Set
	fields fields.Set
}

// selectedBy is false for an object that doesn't exist.
func (a *attributes) selectedBy(predicate *storage.SelectionPredicate) bool {
	return a != nil && predicate.MatchesObjectAttributes(a.labels, a.fields)
}

// write is a change of one object that was stored at version.
type write struct {
	version uint64
	name    string
	// before is nil for a creation, after for a deletion.
	before, after *attributes
}

// writes are the last writes, in the order of their versions.
type writes []write

// add returns the list with one more. Concurrent writes may come in any order.
func (ws writes) add(w write) writes {
	at, _ := slices.BinarySearchFunc(ws, w.version, func(w write, version uint64) int {
		return cmp.Compare(w.version, version)
	})
	if ws = slices.Insert(ws, at, w); len(ws) == 2*maxWrites {
		ws = slices.Delete(ws, 0, maxWrites)
	}
	return ws
}

func (ws writes) newest() uint64 {
	if len(ws) == 0 {
		return 0
	}
	return ws[len(ws)-1].version
}

// lastFor returns the newest write of which a watch must be handed an event, nil if there is none.
func (ws writes) lastFor(from *origin) *write {
	overwritten := map[string]bool{}
	for _, w := range slices.Backward(ws) {
		if from.concernedBy(&w, overwritten[w.name]) {
			return &w
		}
		overwritten[w.name] = true
	}
	return nil
}

// origin is where a watch begins and what it selects.
type origin struct {
	predicate storage.SelectionPredicate
	// since is the version from which on each write makes an event.
	since uint64
	// state is true for a watch that begins with the objects as they are.
	state bool
}

// concernedBy reports whether the watch is handed an event of a write: it selects the object before or after the
// write, or the object is in the state that the watch begins with, which is that after the last write.
func (o *origin) concernedBy(w *write, overwritten bool) bool {
	if w.version <= o.since {
		return o.state && !overwritten && w.after.selectedBy(&o.predicate)
	}
	return w.before.selectedBy(&o.predicate) || w.after.selectedBy(&o.predicate)
}

// originOf returns the origin of a watch that is opened after the newest write.
func originOf(options *metainternalversion.ListOptions, predicate PredicateFunc, newest uint64) origin {
	label, field := labels.Everything(), fields.Everything()
	if options.LabelSelector != nil {
		label = options.LabelSelector
	}
	if options.FieldSelector != nil {
		field = options.FieldSelector
	}
	from := origin{predicate: predicate(label, field), since: newest}
	// A version that isn't a number is refused by the storage.
	version, _ := strconv.ParseUint(options.ResourceVersion, 10, 64)
	if options.SendInitialEvents != nil {
		from.state = *options.SendInitialEvents
	} else {
		from.state = version == 0
	}
	if !from.state && version != 0 {
		from.since = version
	}
	return from
}

// recorder records the writes to a storage in a Tracker.
type recorder struct {
	storage.Interface
	tracker *Tracker
}

// Storage returns inner with each write recorded.
func (t *Tracker) Storage(inner storage.Interface) storage.Interface {
	return &recorder{Interface: inner, tracker: t}
}

func (r *recorder) Create(ctx context.Context, key string, obj, out runtime.Object, ttl uint64) error {
	if err := r.Interface.Create(ctx, key, obj, out, ttl); err != nil {
		return err
	}
	r.note(out, nil, r.attributes(out))
	return nil
}

func (r *recorder) Delete(ctx context.Context, key string, out runtime.Object, preconditions *storage.Preconditions,
	validate storage.ValidateObjectFunc, cached runtime.Object, options storage.DeleteOptions) error {
	if err := r.Interface.Delete(ctx, key, out, preconditions, validate, cached, options); err != nil {
		return err
	}
	r.note(out, r.attributes(out), nil)
	return nil
}

func (r *recorder) GuaranteedUpdate(ctx context.Context, key string, out runtime.Object, ignoreNotFound bool,
	preconditions *storage.Preconditions, update storage.UpdateFunc, cached runtime.Object) error {
	var before *attributes
	var version uint64
	// The last call is the one whose result was stored.
	observed := func(input runtime.Object, response storage.ResponseMeta) (runtime.Object, *uint64, error) {
		before, version = nil, response.ResourceVersion
		if version != 0 {
			before = r.attributes(input)
		}
		return update(input, response)
	}
	if err := r.Interface.GuaranteedUpdate(ctx, key, out, ignoreNotFound, preconditions, observed, cached); err != nil {
		return err
	}
	if stored, err := r.Versioner().ObjectResourceVersion(out); err == nil && stored != version {
		r.note(out, before, r.attributes(out))
	}
	return nil
}

func (r *recorder) attributes(obj runtime.Object) *attributes {
	labels, fields, err := r.tracker.attributes(obj)
	if err != nil {
		return nil
	}
	return &attributes{labels: labels, fields: fields}
}

func (r *recorder) note(stored runtime.Object, before, after *attributes) {
	object, err := meta.Accessor(stored)
	if err != nil {
		return
	}
	version, err := r.Versioner().ObjectResourceVersion(stored)
	if err != nil {
		return
	}
	r.tracker.note(write{version: version, name: object.GetName(), before: before, after: after})
}
