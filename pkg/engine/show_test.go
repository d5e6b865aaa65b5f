// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"slices"
	"strings"
)

// show writes a snapshot as words of target and state. It omits the Tiltfile once that is evaluated.
func show(s *Snapshot) string {
	var words []string
	if s.Tiltfile.Evaluations == 0 {
		words = append(words, "tiltfile")
	} else if s.Tiltfile.Last.Error != "" {
		words = append(words, "tiltfile=failed")
	}
	for _, r := range slices.Concat(s.Resources, s.Images) {
		if r.Update != nil {
			words = append(words, r.Name+"="+showUpdate(r))
		}
		if r.Runtime != nil {
			words = append(words, r.Name+":"+r.Runtime.Verb+"="+showServe(r))
		}
	}
	return strings.Join(words, " ")
}

func showUpdate(r ResourceState) string {
	switch u := r.Update; {
	case r.Disabled:
		return "disabled"
	case !u.Running.IsZero():
		return "active"
	case u.Hold != HoldNone:
		return string(u.Hold)
	case u.Last == nil:
		return "inactive"
	case u.Last.Error != "":
		return "failed"
	}
	return "ok"
}

func showServe(r ResourceState) string {
	switch s := r.Runtime; {
	case r.Disabled:
		return "disabled"
	case s.Exit != nil:
		return "failed"
	case s.Running != nil:
		return showRunning(s.Running)
	case s.Hold != HoldNone:
		return string(s.Hold)
	}
	return "inactive"
}

func showRunning(r *Running) string {
	switch r.Phase {
	case Ready:
		return "ready"
	case Pending:
		return r.Reason
	case Failed:
		return "error"
	case Succeeded:
		return "succeeded"
	case Absent:
		return "absent"
	}
	return "active"
}
