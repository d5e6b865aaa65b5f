// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package liveupdate

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"tilt.dev/session/pkg/engine"
	"tilt.dev/session/pkg/model"
)

// observed is a group with one live update, whose states it collects.
type observed struct {
	*Group
	request engine.RuntimeRequest
	states  []engine.LiveState
}

func observe(t *testing.T, u model.LiveUpdate) *observed {
	t.Helper()
	o := &observed{}
	o.request = engine.RuntimeRequest{LiveUpdates: []model.LiveUpdate{u},
		ReportLive: func(states []engine.LiveState) { o.states = states }}
	o.Group = NewGroup(t.Context(), o.request, time.Time{})
	return o
}

// named is a container that does nothing.
type named struct {
	Container
	name string
}

func (n named) String() string { return n.name }

func member(id string, state MemberState) Member {
	return Member{Container: named{name: id}, ID: id, State: state, Message: "it crashes"}
}

// see observes members, which are all that exist.
func (o *observed) see(members ...Member) {
	running := map[string]bool{}
	for _, m := range members {
		running[m.ID] = m.State == MemberRunning
	}
	o.Observe([][]Member{members}, running, true)
}

// begun begins an update without carrying it out, and says which container gets which files.
func (o *observed) begun(t *testing.T, files ...engine.ChangedFile) (jobs []*job, text []string) {
	t.Helper()
	a := &activity{done: make(chan struct{})}
	close(a.done)
	o.mu.Lock()
	defer o.mu.Unlock()
	jobs, err := o.begin(t.Context(), a, engine.LiveUpdateRequest{Files: [][]engine.ChangedFile{files}})
	if err != nil {
		t.Fatal(err)
	}
	for _, j := range jobs {
		text = append(text, fmt.Sprintf("%s%v", j.member, j.Files))
	}
	return jobs, text
}

func (o *observed) lacking() bool { return o.states[0].Lacking }

func TestGroupMarks(t *testing.T) {
	f := observe(t, model.LiveUpdate{Container: "app"})
	see := f.see
	a, b := member("1", MemberRunning), member("2", MemberRunning)
	see(a, b)
	one, two, three := engine.ChangedFile{Path: "/1", Change: 1}, engine.ChangedFile{Path: "/2", Change: 2},
		engine.ChangedFile{Path: "/1", Change: 3}
	check := func(what string, got []string, lacking bool, want ...string) {
		t.Helper()
		if !slices.Equal(got, want) || f.lacking() != lacking {
			t.Errorf("%s: %q, want %q; lacking %t", what, got, want, f.lacking())
		}
	}
	if f.lacking() {
		t.Error("containers lack files before the first request")
	}
	jobs, got := f.begun(t, one)
	check("the first change", got, false, "1[/1]", "2[/1]")
	f.finish(jobs)
	jobs, got = f.begun(t, one, two)
	check("the second one", got, false, "1[/2]", "2[/2]")
	// The command fails in one, and in the other nothing more is done.
	jobs[0].err, jobs[1].err = &RunError{}, ErrStopped
	f.finish(jobs)
	if !f.lacking() {
		t.Error("an update that was stopped isn't due again")
	}
	jobs, got = f.begun(t, one, two)
	check("again", got, false, "1[/2]", "2[/2]")
	f.finish(jobs)
	_, got = f.begun(t, one, two)
	check("nothing new", got, false)
	// Another container of one pod has nothing; the other pod is gone.
	see(member("", MemberWaiting))
	if f.lacking() {
		t.Error("a container that doesn't run lacks something")
	}
	see(member("3", MemberRunning))
	jobs, got = f.begun(t, two, three)
	check("a new container", got, false, "3[/2 /1]")
	if len(f.marks) != 1 {
		t.Errorf("marks are left: %+v", f.marks)
	}
	// It ends meanwhile.
	see(member("3", MemberWaiting))
	if jobs[0].ctx.Err() == nil {
		t.Error("the update of a container that has ended goes on")
	}
	jobs[0].err = ErrGone
	f.finish(jobs)
	see(member("4", MemberRunning))
	if !f.lacking() {
		t.Error("its successor lacks nothing")
	}
	if end := endOf(jobs); end != (engine.End{}) {
		t.Errorf("the end is %+v", end)
	}
	// Another deploy forgets the files, a definition doesn't.
	f.Renew(f.request, time.Time{})
	see(member("4", MemberRunning))
	if !f.lacking() {
		t.Error("another definition forgets the files")
	}
	f.states = nil
	f.Renew(f.request, time.Unix(1, 0))
	if f.states != nil {
		t.Error("the containers of the former deploy are reported")
	}
	see(member("4", MemberRunning))
	if f.lacking() {
		t.Error("another deploy leaves a lack")
	}
}

func TestGroupInitialSync(t *testing.T) {
	f := observe(t, model.LiveUpdate{Container: "app", LiveSteps: model.LiveSteps{InitialSync: true}})
	f.see(member("1", MemberRunning))
	for i, err := range []error{&RunError{}, nil} {
		if lacking := i == 0; f.lacking() != lacking {
			t.Errorf("%d: lacking: %t", i, !lacking)
		}
		jobs, _ := f.begun(t)
		if len(jobs) != 1 || !jobs[0].Initial {
			t.Fatalf("%d: jobs %+v", i, jobs)
		}
		jobs[0].err = err
		f.finish(jobs)
	}
	if jobs, _ := f.begun(t); len(jobs) > 0 || f.lacking() {
		t.Error("it had an initial sync and gets another one")
	}
}

func TestGroupStates(t *testing.T) {
	for want, members := range map[engine.LiveState][]Member{
		{Phase: engine.LiveAbsent}:                        nil,
		{Phase: engine.LiveWaiting}:                       {member("1", MemberWaiting), member("2", MemberStopped)},
		{Phase: engine.LiveReady}:                         {member("1", MemberRunning), member("2", MemberStopped)},
		{Phase: engine.LiveFailed, Message: "it crashes"}: {member("1", MemberRunning), member("2", MemberCrashing)},
	} {
		o := observe(t, model.LiveUpdate{Container: "app"})
		if o.see(members...); o.states[0] != want {
			t.Errorf("%+v: %+v, want %+v", members, o.states, want)
		}
	}
}

// What an earlier deploy has left in a container is brought again.
func TestGroupAfterAnotherDeploy(t *testing.T) {
	o := observe(t, model.LiveUpdate{Container: "app"})
	o.see(member("1", MemberRunning))
	jobs, _ := o.begun(t, engine.ChangedFile{Path: "/1", Change: 1})
	o.finish(jobs)
	o.Renew(o.request, time.Unix(1, 0))
	o.see(member("1", MemberRunning), member("2", MemberRunning))
	if !o.lacking() {
		t.Error("the container lacks nothing")
	}
	jobs, got := o.begun(t)
	if !slices.Equal(got, []string{"1[/1]"}) || o.lacking() {
		t.Errorf("%q, lacking %t", got, o.lacking())
	}
	jobs[0].err = &RunError{}
	o.finish(jobs)
	if o.lacking() {
		t.Error("what has failed is due again")
	}
	if _, got := o.begun(t, engine.ChangedFile{Path: "/2", Change: 2}); !slices.Equal(got, []string{"1[/1 /2]", "2[/2]"}) {
		t.Errorf("the next time: %q", got)
	}
}

// A container that keeps its ID when it starts again lacks what it was to get when it ended.
func TestGroupAfterAnotherStart(t *testing.T) {
	o := observe(t, model.LiveUpdate{Container: "app"})
	o.see(member("1", MemberRunning))
	jobs, _ := o.begun(t, engine.ChangedFile{Path: "/1", Change: 1})
	o.see(member("1", MemberStopped))
	if jobs[0].ctx.Err() == nil {
		t.Error("the update of a container that has ended goes on")
	}
	jobs[0].err = ErrGone
	o.finish(jobs)
	o.see(member("1", MemberRunning))
	if !o.lacking() {
		t.Error("the container lacks nothing")
	}
	jobs, got := o.begun(t, engine.ChangedFile{Path: "/1", Change: 1})
	if !slices.Equal(got, []string{"1[/1]"}) {
		t.Errorf("it gets %q", got)
	}
	// It has started again before anyone has seen its end.
	jobs[0].err = ErrGone
	o.finish(jobs)
	if want := (engine.LiveState{Phase: engine.LiveWaiting}); o.states[0] != want {
		t.Errorf("%+v, want %+v", o.states[0], want)
	}
	o.see(member("1", MemberRunning))
	if !o.lacking() {
		t.Error("the container lacks nothing after its second start")
	}
}

// The end of a container that an update starts again is no end of the update.
func TestGroupRestarts(t *testing.T) {
	o := observe(t, model.LiveUpdate{Container: "app", LiveSteps: model.LiveSteps{Restart: true}})
	o.see(member("1", MemberRunning))
	jobs, _ := o.begun(t, engine.ChangedFile{Path: "/1", Change: 1})
	waiting := engine.LiveState{Phase: engine.LiveWaiting}
	if o.see(member("1", MemberStopped)); jobs[0].ctx.Err() != nil || o.states[0] != waiting {
		t.Errorf("as it starts again: %v, %+v", jobs[0].ctx.Err(), o.states[0])
	}
	if o.finish(jobs); o.states[0] != waiting {
		t.Errorf("after the update: %+v", o.states[0])
	}
	want := engine.LiveState{Phase: engine.LiveReady}
	if o.see(member("1", MemberRunning)); o.states[0] != want {
		t.Errorf("as it runs again: %+v", o.states[0])
	}
}

// An update that begins before the containers are seen has them lack its files.
func TestGroupBeforeContainersAreSeen(t *testing.T) {
	o := observe(t, model.LiveUpdate{Container: "app"})
	o.see(member("1", MemberRunning))
	o.Renew(o.request, time.Time{})
	if _, got := o.begun(t, engine.ChangedFile{Path: "/1", Change: 1}); len(got) > 0 {
		t.Errorf("%q get files", got)
	}
	o.see(member("1", MemberRunning))
	if !o.lacking() {
		t.Error("the container lacks nothing")
	}
}

func TestGroupEnd(t *testing.T) {
	code := 3
	run := &RunError{Container: "a/app", Argv: []string{"x"}, Code: code}
	for name, test := range map[string]struct {
		errs          []error
		failed, build string
	}{
		"well":         {[]error{nil, nil}, "", ""},
		"gone":         {[]error{fmt.Errorf("x: %w", ErrGone), nil}, "", ""},
		"a command":    {[]error{run, run}, run.Error(), ""},
		"inconsistent": {[]error{nil, run}, "", "PodsInconsistent: Pods in inconsistent state. Success: p0. Failure: p1"},
		"others":       {[]error{nil, errors.New("no tar"), run}, "", "UpdateFailed: no tar"},
		"stopped":      {[]error{nil, ErrStopped}, "stopped", ""},
	} {
		var jobs []*job
		for i, err := range test.errs {
			jobs = append(jobs, &job{member: member(fmt.Sprintf("p%d", i), MemberRunning), err: err})
		}
		end := endOf(jobs)
		if end.Error != test.failed || end.Rebuild != test.build || (end.Code != nil) != (name == "a command") {
			t.Errorf("%s: %+v", name, end)
		}
	}
}
