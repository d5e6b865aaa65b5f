// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package report

import (
	"cmp"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/sets"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/engine"
	"tilt.dev/session/pkg/model"
	"tilt.dev/session/pkg/session"
)

// New returns the Report of a run. It may be called before the teardown has begun: it reads the log now.
func New(in Input) *Report {
	status := &in.Session.Status
	r := &Report{
		Session: in.Session, Version: in.Version, Tiltfile: in.Session.Spec.TiltfilePath, Root: in.Root, Host: in.Host,
		Verdict: session.VerdictOf(*status), Signal: in.Signal,
		Error: cmp.Or(in.Error, status.Error), ExitCode: in.ExitCode,
		Start: status.StartTime.Time, End: in.End,
	}
	if r.Start.IsZero() {
		r.Start = r.End
	}
	defined := definitions(in.Snapshot)
	r.Targets = make([]Target, len(status.Targets))
	for i := range status.Targets {
		r.Targets[i] = newTarget(&status.Targets[i], defined[status.Targets[i].Name])
	}
	for _, failed := range session.Failures(*status) {
		r.Failures = append(r.Failures, r.Target(failed.Name))
	}
	r.addLate()
	r.linkFailures(status, defined)
	needs := func(name string) []string { return defined[name].needs }
	for _, step := range session.CriticalPath(status, needs, r.End) {
		r.Chain = append(r.Chain, Link{step.Target.Name, step.From, step.To})
	}
	if in.Log != nil {
		r.addLogs(in.Log)
	}
	return r
}

// Target returns the target of a name, nil if there is none.
func (r *Report) Target(name string) *Target {
	i := slices.IndexFunc(r.Targets, func(t Target) bool { return t.Name == name })
	if i < 0 {
		return nil
	}
	return &r.Targets[i]
}

// definition is what a snapshot says of a target besides its state.
type definition struct {
	position           model.Position
	command, directory string
	history            *engine.History
	// needs are the targets that must be there before it runs.
	needs []string
}

// definitions are those of all targets, by name.
func definitions(snap *engine.Snapshot) map[string]definition {
	all := map[string]definition{}
	if snap == nil {
		return all
	}
	all[session.TiltfileTarget] = definition{history: snap.Tiltfile.History}
	targets := map[string][]string{}
	for _, states := range [][]engine.ResourceState{snap.Resources, snap.Images} {
		for i := range states {
			update, runtime := session.TargetNames(&states[i])
			targets[states[i].Name] = []string{update, runtime}
		}
	}
	for _, states := range [][]engine.ResourceState{snap.Resources, snap.Images} {
		for i := range states {
			define(all, targets, &states[i])
		}
	}
	return all
}

// define adds the definitions of the targets of a resource or an image. targets are those of each of them.
func define(all map[string]definition, targets map[string][]string, r *engine.ResourceState) {
	spec := r.Spec
	if spec == nil {
		spec = &model.Resource{}
	}
	base := definition{position: spec.Position}
	for _, dep := range spec.ResourceDeps {
		base.needs = append(base.needs, targets[dep]...)
	}
	for _, image := range spec.Images {
		base.needs = append(base.needs, targets[model.ImagePrefix+image]...)
	}
	update, runtime := session.TargetNames(r)
	if update != "" {
		d := base
		d.command, d.history, d.directory = script(r.Update.Command), r.Update.History, updateDirectory(spec.Update)
		all[update] = d
	}
	if runtime != "" {
		d := base
		d.command = script(r.Runtime.Command)
		if server, ok := spec.Runtime.(*model.Server); ok {
			d.directory = server.Command.Dir
		}
		d.needs = append(slices.Clip(d.needs), update)
		all[runtime] = d
	}
}

// script is a command, of a shell the script with its lines.
func script(command string) string {
	if quoted, ok := strings.CutPrefix(command, "sh -c "); ok {
		if lines, err := strconv.Unquote(quoted); err == nil {
			return strings.TrimSpace(lines)
		}
	}
	return command
}

func updateDirectory(u model.Update) string {
	switch u := u.(type) {
	case *model.Command:
		return u.Dir
	case *model.ComposeUp:
		return u.Project.Directory
	case *model.ImageBuild:
		if u.Custom != nil {
			return u.Custom.Command.Dir
		}
		return u.Docker.Context
	case *model.Deploy:
		if u.Custom != nil {
			return u.Custom.Apply.Dir
		}
	}
	return ""
}

// sortedNames are the names that aren't empty, each once.
func sortedNames(names []string) []string {
	all := sets.New(names...)
	all.Delete("")
	return sets.List(all)
}

func newTarget(t *v1alpha1.Target, d definition) Target {
	made := Target{
		Name: t.Name, Type: t.Type, Resources: t.Resources,
		Tiltfile: slices.Equal(t.Resources, []string{model.TiltfileResource}),
		Phase:    session.PhaseOf(t.State), State: stateWord(t),
		Command: d.command, Directory: d.directory, Position: d.position, History: d.history,
		Needs:    sortedNames(d.needs),
		Restarts: int(t.RestartCount), Unfinished: unfinished(*t) != "",
	}
	made.setTimes(t)
	if end := t.State.Terminated; end != nil {
		made.Error, made.ExitCode, made.Signal = end.Error, end.ExitCode, end.Signal
	}
	if wait := t.State.Waiting; wait != nil {
		made.WaitReason = wait.WaitReason
	}
	if made.Tiltfile && made.Error != "" {
		made.Position = errorPosition(made.Error)
	}
	return made
}

// stateWord is the state of a target in one or two words.
func stateWord(t *v1alpha1.Target) string {
	switch phase := session.PhaseOf(t.State); phase {
	case session.PhaseActive:
		return activeWord(t.Type)
	case session.PhaseInactive:
		return "not requested"
	default:
		return phase.String()
	}
}

// setTimes sets the times of the last execution: those of its state, which are of that alone, else the general ones.
func (t *Target) setTimes(from *v1alpha1.Target) {
	if times := from.Times; times != nil {
		t.Queued, t.Allowed, t.Started = moment(times.QueuedTime), moment(times.AllowedTime), moment(times.StartTime)
		t.Ready, t.Finished = moment(times.ReadyTime), moment(times.FinishTime)
	}
	switch state := from.State; {
	case state.Active != nil:
		t.Started, t.Finished = state.Active.StartTime.Time, time.Time{}
		if state.Active.Ready && t.Ready.IsZero() {
			t.Ready = state.Active.LastReadyTime.Time
		}
	case state.Terminated != nil:
		t.Started, t.Finished = state.Terminated.StartTime.Time, state.Terminated.FinishTime.Time
	}
}

func moment(t *metav1.MicroTime) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.Time
}

// tiltfileFrame is a line of a stack trace, or the start of a syntax error.
var tiltfileFrame = regexp.MustCompile(`(?m)^\s*(/[^:\n]+):(\d+):\d+: `)

// errorPosition is the innermost position that the error of a Tiltfile names.
func errorPosition(text string) (p model.Position) {
	for _, match := range tiltfileFrame.FindAllStringSubmatch(text, -1) {
		if line, err := strconv.Atoi(match[2]); err == nil {
			p = model.Position{File: match[1], Line: line}
		}
	}
	return p
}
