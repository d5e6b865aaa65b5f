// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package session

import (
	"time"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/engine"
)

// Change is a target that may have changed.
type Change struct {
	v1alpha1.Target
	// EndLine is the sequence number of the first line of the log after those of a job that has ended, 0 for others.
	EndLine uint64
}

// Changed returns the targets of a snapshot that may differ from those of the one before, at a small part of the cost
// of Status: in the snapshot's order. A failure of a workload isn't tolerated here.
func Changed(before, after *engine.Snapshot) []Change {
	d := &directory{snap: after}
	changes := []Change{{Target: d.tiltfile()}}
	add := func(before, after []engine.ResourceState, image bool) {
		for i := range after {
			r := &after[i]
			if i < len(before) && r.Update == before[i].Update && r.Runtime == before[i].Runtime &&
				r.Name == before[i].Name && r.Disabled == before[i].Disabled {
				continue
			}
			list := []v1alpha1.Target{}
			if image {
				list = append(list, imageTarget(r, d))
			} else {
				list, _ = d.resource(list, r, 0, time.Time{})
			}
			for _, t := range list {
				c := Change{Target: t}
				update, _ := TargetNames(r)
				if t.Name == update && t.State.Terminated != nil && r.Update.History != nil && len(r.Update.History.Ended) > 0 {
					c.EndLine = r.Update.History.Ended[0].EndLine
				}
				changes = append(changes, c)
			}
		}
	}
	add(before.Resources, after.Resources, false)
	add(before.Images, after.Images, true)
	return changes
}
