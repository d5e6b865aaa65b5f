// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package builtins

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"go.starlark.net/starlark"
	"k8s.io/utils/ptr"

	"tilt.dev/session/pkg/model"
)

// definition is a resource as it was defined: trigger_mode() may still change it.
type definition struct {
	model.Resource
	triggerMode TriggerMode
	scope       *Scope
}

// Resources returns the builtins that define resources.
func (e *Evaluation) Resources() Library {
	l := Functions(map[string]Function{
		"local_resource": e.localResource,
		"test":           e.test,
		"trigger_mode":   e.setTriggerMode,
	})
	l["TRIGGER_MODE_AUTO"] = TriggerMode(model.TriggerAuto)
	l["TRIGGER_MODE_MANUAL"] = TriggerMode(model.TriggerManual)
	return l
}

// AllResources returns the resources in the order of their definition, and the scope of each.
func (e *Evaluation) AllResources() ([]model.Resource, []*Scope) {
	resources, scopes := make([]model.Resource, len(e.definitions)), make([]*Scope, len(e.definitions))
	for i, d := range e.definitions {
		resources[i], scopes[i] = d.Resource, d.scope
		resources[i].TriggerMode = d.scope.TriggerMode(d.triggerMode)
	}
	return resources, scopes
}

// TriggerMode returns the trigger mode of a resource of the scope that has its own, or none: Unset.
func (s *Scope) TriggerMode(own TriggerMode) model.TriggerMode {
	if own != Unset {
		return model.TriggerMode(own)
	}
	return model.TriggerMode(s.triggerMode)
}

// HasResource returns whether a local resource is defined.
func (e *Evaluation) HasResource(name string) bool {
	return slices.ContainsFunc(e.definitions, func(d *definition) bool { return d.Name == name })
}

// localResourceParameters are the parameters of local_resource. Tilt doesn't have the last four; they are
// keyword-only so that Tilt can add positional ones.
type localResourceParameters struct {
	Name           ResourceName          `arg:"name"`
	Cmd            CommandLine           `arg:"cmd??"`
	Deps           PathList              `arg:"deps??"`
	TriggerMode    TriggerMode           `arg:"trigger_mode??"`
	ResourceDeps   StringList            `arg:"resource_deps??"`
	Ignore         PatternList           `arg:"ignore??"`
	AutoInit       bool                  `arg:"auto_init??"`
	ServeCmd       CommandLine           `arg:"serve_cmd??"`
	CmdBat         CommandLine           `arg:"cmd_bat??"`
	ServeCmdBat    CommandLine           `arg:"serve_cmd_bat??"`
	AllowParallel  bool                  `arg:"allow_parallel??"`
	Links          LinkList              `arg:"links??"`
	Labels         LabelList             `arg:"labels??"`
	Env            Environment           `arg:"env??"`
	ServeEnv       Environment           `arg:"serve_env??"`
	ReadinessProbe structOf[model.Probe] `arg:"readiness_probe??"`
	Dir            Path                  `arg:"dir??"`
	ServeDir       Path                  `arg:"serve_dir??"`

	Timeout          limit         `arg:"timeout??,keyword"`
	ReadinessTimeout limit         `arg:"readiness_timeout??,keyword"`
	Retries          count         `arg:"retries??,keyword"`
	Restart          restartPolicy `arg:"restart??,keyword"`
}

// test is the deprecated form of local_resource(..., allow_parallel=True).
func (e *Evaluation) test(c *Call) (starlark.Value, error) {
	e.Warn("test() is deprecated: use local_resource(..., allow_parallel=True)")
	return e.define(c, true)
}

// Unset is the value of a TriggerMode, and of another argument whose 0 is a value too, that was left out.
const Unset = -1

// localResource is local_resource(name, cmd, ...).
func (e *Evaluation) localResource(c *Call) (starlark.Value, error) { return e.define(c, false) }

func (e *Evaluation) define(c *Call, allowParallel bool) (starlark.Value, error) {
	a := &localResourceParameters{
		AutoInit: true, AllowParallel: allowParallel, TriggerMode: Unset, Retries: Unset, Restart: Unset,
	}
	if err := c.Unpack(a); err != nil {
		return nil, err
	}
	if err := a.check(); err != nil {
		return nil, err
	}
	if e.HasResource(string(a.Name)) {
		return nil, fmt.Errorf("local_resource named %q already exists", string(a.Name))
	}
	if a.ReadinessProbe.value != nil && a.ServeCmd.Command == nil {
		e.Warn("Ignoring readiness probe for local resource %q (no serve_cmd was defined)", string(a.Name))
		a.ReadinessProbe.value = nil
	}
	resource := e.resource(a)
	resource.Position = Place(c.Position())
	e.definitions = append(e.definitions, &definition{resource, a.TriggerMode, e.Scope})
	return nil, nil
}

// reservedName is the name of the job that evaluates the Tiltfile.
const reservedName = "tiltfile"

// check returns an error for arguments that contradict each other.
func (a *localResourceParameters) check() error {
	job, server := a.Cmd.Command != nil, a.ServeCmd.Command != nil
	switch {
	case !job && !server:
		return errors.New("local_resource must have a cmd and/or a serve_cmd, but both were empty")
	case job && string(a.Name) == reservedName:
		return fmt.Errorf("local_resource named %q can't have a cmd: the name is the Tiltfile's", reservedName)
	}
	for _, pattern := range a.Ignore {
		if strings.Contains(pattern, "\n") {
			return fmt.Errorf("ignore cannot contain newlines; found ignore: %q", pattern)
		}
	}
	for _, pair := range []struct {
		ofJob, ofServer       string
		jobGiven, serverGiven bool
	}{
		{"dir", "serve_dir", a.Dir != "", a.ServeDir != ""},
		{"timeout", "readiness_timeout", a.Timeout.Duration != nil, a.ReadinessTimeout.Duration != nil},
		{"retries", "restart", a.Retries != Unset, a.Restart != Unset},
	} {
		switch {
		case pair.jobGiven && !job:
			return fmt.Errorf("%s requires cmd; did you mean %s?", pair.ofJob, pair.ofServer)
		case pair.serverGiven && !server:
			return fmt.Errorf("%s requires serve_cmd; did you mean %s?", pair.ofServer, pair.ofJob)
		}
	}
	return nil
}

// resource returns the resource for checked arguments.
func (e *Evaluation) resource(a *localResourceParameters) model.Resource {
	resource := model.Resource{
		Name:         string(a.Name),
		ResourceDeps: a.ResourceDeps,
		AutoInit:     a.AutoInit,
		// A resource without a job doesn't block others.
		AllowParallel:    a.AllowParallel || a.Cmd.Command == nil,
		Links:            a.Links,
		Labels:           a.Labels,
		Timeout:          ptr.Deref(a.Timeout.Duration, 0),
		ReadinessTimeout: ptr.Deref(a.ReadinessTimeout.Duration, 0),
		Retries:          int(max(a.Retries, 0)),
		Restart:          model.RestartPolicy(max(a.Restart, 0)),
	}
	if job := e.Placed(a.Cmd, a.Dir, a.Env); job != nil {
		resource.Update = job
	}
	if server := e.Placed(a.ServeCmd, a.ServeDir, a.ServeEnv); server != nil {
		resource.Runtime = &model.Server{Command: *server, Readiness: a.ReadinessProbe.value}
	}
	for _, dep := range a.Deps {
		resource.Deps = append(resource.Deps, e.Absolute(dep))
	}
	if len(a.Ignore) > 0 {
		source := fmt.Sprintf("local_resource(%q)", resource.Name)
		resource.Ignores = []model.IgnoreSet{{Base: e.Directory(), Patterns: a.Ignore, Source: source}}
	}
	return resource
}

// LabelList is a label or a list of labels.
type LabelList []string

// Unpack implements starlark.Unpacker.
func (l *LabelList) Unpack(v starlark.Value) error {
	if err := (*StringList)(l).Unpack(v); err != nil {
		return err
	}
	for _, label := range *l {
		if err := model.ValidateLabel(label); err != nil {
			return err
		}
	}
	return nil
}

// LinkList is a link or a list of links, each as a string or as link() returns it.
type LinkList []model.Link

// Unpack implements starlark.Unpacker.
func (l *LinkList) Unpack(v starlark.Value) error {
	for _, element := range ElementsOf(v) {
		var link structOf[model.Link]
		if text, ok := starlark.AsString(element); ok {
			parsed, err := model.NewLink(text, "")
			if err != nil {
				return err
			}
			link.value = &parsed
		} else if link.Unpack(element) != nil {
			return fmt.Errorf("got %s, want string or link", element.Type())
		}
		*l = append(*l, *link.value)
	}
	return nil
}

// limit is a duration within which something must happen.
type limit struct{ duration }

func (l *limit) Unpack(v starlark.Value) error {
	if err := l.duration.Unpack(v); err != nil {
		return err
	}
	if *l.Duration == 0 {
		return errors.New("must be longer than 0s; omit it for no limit")
	}
	return nil
}

// restartPolicy is 'never' or 'on-failure'.
type restartPolicy model.RestartPolicy

func (p *restartPolicy) Unpack(v starlark.Value) error {
	switch v {
	case starlark.String("never"):
		*p = restartPolicy(model.RestartNever)
	case starlark.String("on-failure"):
		*p = restartPolicy(model.RestartOnFailure)
	default:
		return fmt.Errorf("got %s, want 'never' or 'on-failure'", v)
	}
	return nil
}
