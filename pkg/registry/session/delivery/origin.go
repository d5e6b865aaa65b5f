// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package delivery

import (
	"strconv"

	metainternalversion "k8s.io/apimachinery/pkg/apis/meta/internalversion"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apiserver/pkg/storage"
)

// origin is where a watch begins and what it selects.
type origin struct {
	predicate storage.SelectionPredicate
	// since is the version from which on each write makes an event.
	since uint64
	// state is true for a watch that begins with the objects as they are.
	state bool
}

// concernedBy tells whether the watch is handed an event of a write: it selects
// the object before or after it, or finds it in the state that it begins with,
// where objects are as the last write has left them.
func (o *origin) concernedBy(w *write, overwritten bool) bool {
	if w.version <= o.since {
		return o.state && !overwritten && w.after.selectedBy(&o.predicate)
	}
	return w.before.selectedBy(&o.predicate) || w.after.selectedBy(&o.predicate)
}

// originOf tells where a watch begins that is opened after the newest write.
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
