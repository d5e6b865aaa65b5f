// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import "strings"

// show writes a snapshot as words of target and state. It omits the Tiltfile once that is evaluated.
func show(s *Snapshot) string {
	var words []string
	if s.Tiltfile.Evaluations == 0 {
		words = append(words, "tiltfile")
	} else if s.Tiltfile.Last.Error != "" {
		words = append(words, "tiltfile=failed")
	}
	for _, r := range s.Resources {
		if r.Update != nil {
			words = append(words, r.Name+"="+showUpdate(r))
		}
		if r.Serve != nil {
			words = append(words, r.Name+":serve="+showServe(r))
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
	switch s := r.Serve; {
	case r.Disabled:
		return "disabled"
	case s.Exit != nil:
		return "failed"
	case s.Process != nil && s.Process.Ready:
		return "ready"
	case s.Process != nil:
		return "active"
	case s.Hold != HoldNone:
		return string(s.Hold)
	}
	return "inactive"
}
