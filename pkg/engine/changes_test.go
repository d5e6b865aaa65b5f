// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tilt.dev/session/pkg/model"
)

// Each step of a story is one of
//
//	run          a run begins for another cause than changes
//	rerun        a run begins because of changes, which must be there
//	end          it ends
//	PATH         a change that is made and noticed now
//	PATH@N       a change that is made at second N and noticed now
//	PATH@N/M     a change that is made at second N and was noticed at second M
//	?            whether another run is called for: "yes" or "no"
//	!PATH,PATH   what has just been taken for the run's own
//
// and takes place a second after the one before.
func TestChanges(t *testing.T) {
	loop := "run x end rerun x end rerun x end rerun x end !/x ?no "
	tests := []struct{ name, story string }{
		{"never ran", "x ?yes"},
		{"nothing has changed", "run end ?no"},
		{"before the start", "x run end ?no"},
		{"noticed before the start and reported later", "run end run end x@1/1 ?no"},
		{"made before the start and noticed later", "run end run x@1 end ?yes"},
		{"during a run", "run x end ?yes rerun end ?no"},
		{"during a run, reported after its end", "run end x@0/1 ?yes rerun end ?no"},
		{"after the end", "run end x ?yes rerun end ?no"},
		{"each run writes the same file", loop},
		{"and the report is late", "run end x@1/1 rerun end x@4/4 rerun end x@7/7 rerun end x@10/10 !/x ?no"},
		{"each run writes other files", "run a end rerun b end rerun c end rerun d end rerun e end ?yes"},
		{"each run writes several files", "run a b end rerun a b end rerun b a end rerun a b c end !/a,/b ?yes rerun a b c end ?yes " +
			"rerun a c end !/c ?no"},
		{"an edit during a run that writes", "run x end rerun x end rerun x end rerun x y end !/x ?yes rerun x end ?no"},
		{"an edit after runs that write", loop + "y ?yes rerun x end ?no"},
		{"what the run writes is edited afterwards", loop + "x ?yes rerun x end ?yes rerun x end ?yes"},
		{"what has another cause doesn't count", "run x end rerun x end rerun x end run x end ?yes rerun x end ?yes"},
		{"nor what was edited outside as well", "run x end rerun x end rerun x end y rerun x end ?yes"},
		{"it's remembered", loop + "run x end ?no run x end ?no"},
		{"other names in the same directory each time",
			"run d/1 end rerun d/2 end rerun d/3 end rerun d/4 end rerun d/5 end rerun d/6 end rerun d/7 end " +
				"rerun d/8 end rerun d/9 end rerun d/10 end rerun d/11 end !/d ?no d/12 ?yes"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var c changes
			var found []string
			for second, step := range strings.Fields(test.story) {
				found = tell(t, &c, second, step, found)
			}
			if found != nil {
				t.Errorf("found %q", found)
			}
		})
	}
}

func tell(t *testing.T, c *changes, second int, step string, found []string) []string {
	t.Helper()
	at := func(second int) time.Time { return time.Unix(1000+int64(second), 0) }
	now := at(second)
	if want, ok := strings.CutPrefix(step, "!"); ok {
		if diff := cmp.Diff(want, strings.Join(found, ",")); diff != "" {
			t.Errorf("second %d: found (-want +got):\n%s", second, diff)
		}
		return nil
	}
	if found != nil {
		t.Errorf("second %d: found %q", second, found)
	}
	switch step {
	case "run":
		c.begin(now, true)
		return nil
	case "rerun":
		if c.since().IsZero() {
			t.Errorf("second %d: no change calls for another run", second)
		}
		c.begin(now, false)
		return nil
	case "end":
		c.end(now)
		return c.dropOwn()
	case "?yes", "?no":
		if got := !c.since().IsZero(); got != (step == "?yes") {
			t.Errorf("second %d: %s, got %t", second, step, got)
		}
		return nil
	}
	made, noticed := second, second
	path, times, _ := strings.Cut(step, "@")
	_, _ = fmt.Sscanf(times, "%d/%d", &made, &noticed)
	c.add([]model.Change{{Path: "/" + path, Seen: at(noticed), Modified: at(made)}})
	if c.running() {
		return nil
	}
	return c.dropOwn()
}
