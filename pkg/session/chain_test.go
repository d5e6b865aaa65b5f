// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package session

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/engine"
)

// statusOf makes a status of lines such as "a:update waiting-for-dep b:update,c:update", "b:update active 5",
// "c:update failed 7", "d:serve ready" or "e:update inactive".
func statusOf(lines ...string) *v1alpha1.SessionStatus {
	status := &v1alpha1.SessionStatus{}
	for _, line := range lines {
		words := strings.Fields(line + " -")
		t := target("", "", v1alpha1.TargetTypeJob, "", v1alpha1.TargetState{}, 0)
		t.Name = words[0]
		var seconds float64
		_, _ = fmt.Sscan(words[2], &seconds) // Only some kinds of lines have a number.
		switch words[1] {
		case "inactive":
		case "disabled":
			t.State = disabled
		case "active", "ready":
			t.State = active(sec(seconds), words[1] == "ready", time.Time{})
		case "failed":
			t.State = terminated(&engine.Exit{Finish: sec(seconds)}, "no")
		case "succeeded":
			t.State = terminated(&engine.Exit{Finish: sec(seconds)}, "")
		default:
			t.State = waiting(words[1])
			if words[2] != "-" {
				t.State.Waiting.On = strings.Split(words[2], ",")
			}
		}
		status.Targets = append(status.Targets, t)
	}
	slices.SortFunc(status.Targets, func(a, b v1alpha1.Target) int { return strings.Compare(a.Name, b.Name) })
	return status
}

// chainCases are statuses, and the chain of "a" in each.
var chainCases = map[string]struct {
	lines []string
	want  string
}{
	"unknown":         {nil, ""},
	"doesn't wait":    {[]string{"a active 1"}, "a"},
	"waits for none":  {[]string{"a pending-trigger"}, "a"},
	"truncated names": {[]string{"a waiting-for-dep"}, "a"},
	"of a failure": {[]string{"a waiting-for-dep b", "b waiting-for-update c", "c failed 3"},
		"a b c"},
	"the failure, though others are nearer": {[]string{"a waiting-for-dep b,c,d", "b active 1", "c waiting-for-dep e,f",
		"d pending-trigger", "e failed 3", "f active 1"}, "a+2 c+1 e"},
	"a retry rather than what runs":   {[]string{"a waiting-for-dep b,c", "b active 1", "c retrying"}, "a+1 c"},
	"what was never requested":        {[]string{"a waiting-for-dep b,c", "b active 1", "c inactive"}, "a+1 c"},
	"a trigger rather than what runs": {[]string{"a waiting-for-dep b,c", "b active 1", "c pending-trigger"}, "a+1 c"},
	"what runs rather than what is ready": {[]string{"a waiting-for-dep b,c", "b ready 1", "c active 1"},
		"a+1 c"},
	"the nearest":             {[]string{"a waiting-for-dep b,c", "b waiting-for-dep d", "c active 9", "d active 1"}, "a+1 c"},
	"a circle":                {[]string{"a waiting-for-dep b", "b waiting-for-dep a"}, "a"},
	"a circle with a way out": {[]string{"a waiting-for-dep b", "b waiting-for-dep a,c", "c active 1"}, "a b+1 c"},
	"left out of the status":  {[]string{"a waiting-for-dep b,c", "c active 1"}, "a c"},
	"a turn": {[]string{"a waiting-for-dep b", "b waiting-for-slot", "c active 5", "d active 4", "e:runtime active 1",
		"tiltfile:update active 2"}, "a b d"},
	"an earlier failure": {[]string{"a after-failure", "b failed 5", "c failed 4"}, "a c"},
}

func TestChain(t *testing.T) {
	for name, c := range chainCases {
		status := statusOf(c.lines...)
		var words []string
		for _, link := range Chain(status, "a") {
			word := link.Target.Name
			if link.More > 0 {
				word += fmt.Sprintf("+%d", link.More)
			}
			words = append(words, word)
		}
		if got := strings.Join(words, " "); got != c.want {
			t.Errorf("%s: chain %q, want %q", name, got, c.want)
		}
	}
}
