// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package builtins

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
	"k8s.io/utils/ptr"

	"tilt.dev/session/pkg/model"
)

// Resources collects the resources of an evaluation.
type Resources struct {
	evaluation   *Evaluation
	definitions  []*definition
	triggerModes map[*Scope]scopeTriggerMode
}

// definition is a resource as it was defined: trigger_mode() may still change it.
type definition struct {
	model.Resource
	triggerMode triggerMode
	scope       *Scope
}

// NewResources returns the resources of an evaluation.
func NewResources(e *Evaluation) *Resources {
	return &Resources{evaluation: e, triggerModes: map[*Scope]scopeTriggerMode{}}
}

// Library returns the builtins that define resources.
func (r *Resources) Library() Library {
	l := Functions(map[string]Function{
		"local_resource": r.localResource,
		"test":           r.test,
		"trigger_mode":   r.setTriggerMode,
	})
	l["TRIGGER_MODE_AUTO"] = triggerMode(model.TriggerAuto)
	l["TRIGGER_MODE_MANUAL"] = triggerMode(model.TriggerManual)
	return l
}

// All returns all resources in the order of their definition, and the scope of each.
func (r *Resources) All() ([]model.Resource, []*Scope) {
	resources, scopes := make([]model.Resource, len(r.definitions)), make([]*Scope, len(r.definitions))
	for i, d := range r.definitions {
		resources[i], scopes[i] = d.Resource, d.scope
		resources[i].TriggerMode = model.TriggerMode(r.triggerModes[d.scope].mode)
		if d.triggerMode != unset {
			resources[i].TriggerMode = model.TriggerMode(d.triggerMode)
		}
	}
	return resources, scopes
}

// has returns whether a resource is defined.
func (r *Resources) has(name string) bool {
	return slices.ContainsFunc(r.definitions, func(d *definition) bool { return d.Name == name })
}

// localResourceParameters are the parameters of local_resource. Tilt doesn't have the last four; they are
// keyword-only so that Tilt can add positional ones.
type localResourceParameters struct {
	Name           resourceName          `arg:"name"`
	Cmd            command               `arg:"cmd??"`
	Deps           pathList              `arg:"deps??"`
	TriggerMode    triggerMode           `arg:"trigger_mode??"`
	ResourceDeps   StringList            `arg:"resource_deps??"`
	Ignore         patternList           `arg:"ignore??"`
	AutoInit       bool                  `arg:"auto_init??"`
	ServeCmd       command               `arg:"serve_cmd??"`
	CmdBat         command               `arg:"cmd_bat??"`
	ServeCmdBat    command               `arg:"serve_cmd_bat??"`
	AllowParallel  bool                  `arg:"allow_parallel??"`
	Links          linkList              `arg:"links??"`
	Labels         labelList             `arg:"labels??"`
	Env            environment           `arg:"env??"`
	ServeEnv       environment           `arg:"serve_env??"`
	ReadinessProbe structOf[model.Probe] `arg:"readiness_probe??"`
	Dir            Path                  `arg:"dir??"`
	ServeDir       Path                  `arg:"serve_dir??"`

	Timeout          limit         `arg:"timeout??,keyword"`
	ReadinessTimeout limit         `arg:"readiness_timeout??,keyword"`
	Retries          count         `arg:"retries??,keyword"`
	Restart          restartPolicy `arg:"restart??,keyword"`
}

// localResource is local_resource(name, cmd, ...).
func (r *Resources) localResource(c *Call) (starlark.Value, error) {
	return nil, r.define(c, false)
}

// test is the deprecated form of local_resource(..., allow_parallel=True).
func (r *Resources) test(c *Call) (starlark.Value, error) {
	r.evaluation.Warn("test() is deprecated: use local_resource(..., allow_parallel=True)")
	return nil, r.define(c, true)
}

// unset is the value of an argument that was left out, where 0 is a value too.
const unset = -1

// define adds a resource.
func (r *Resources) define(c *Call, allowParallel bool) error {
	a := &localResourceParameters{
		AutoInit: true, AllowParallel: allowParallel, TriggerMode: unset, Retries: unset, Restart: unset,
	}
	if err := c.Unpack(a); err != nil {
		return err
	}
	if err := a.check(); err != nil {
		return err
	}
	if r.has(string(a.Name)) {
		return fmt.Errorf("local_resource named %q already exists", string(a.Name))
	}
	if a.ReadinessProbe.value != nil && a.ServeCmd.Command == nil {
		r.evaluation.Warn("Ignoring readiness probe for local resource %q (no serve_cmd was defined)", string(a.Name))
		a.ReadinessProbe.value = nil
	}
	r.definitions = append(r.definitions, &definition{r.resource(a), a.TriggerMode, r.evaluation.Scope})
	return nil
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
		{"retries", "restart", a.Retries != unset, a.Restart != unset},
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
func (r *Resources) resource(a *localResourceParameters) model.Resource {
	e := r.evaluation
	resource := model.Resource{
		Name:         string(a.Name),
		Update:       e.placed(a.Cmd, a.Dir, a.Env),
		Serve:        e.placed(a.ServeCmd, a.ServeDir, a.ServeEnv),
		ResourceDeps: a.ResourceDeps,
		Readiness:    a.ReadinessProbe.value,
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
	for _, dep := range a.Deps {
		resource.Deps = append(resource.Deps, e.Absolute(dep))
	}
	if len(a.Ignore) > 0 {
		source := fmt.Sprintf("local_resource(%q)", resource.Name)
		resource.Ignores = []model.IgnoreSet{{Base: e.Directory(), Patterns: a.Ignore, Source: source}}
	}
	return resource
}

// labelList is a label or a list of labels.
type labelList []string

func (l *labelList) Unpack(v starlark.Value) error {
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

// linkList is a link or a list of links, each as a string or as link() returns it.
type linkList []model.Link

func (l *linkList) Unpack(v starlark.Value) error {
	for _, element := range elementsOf(v) {
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

// triggerMode is the value of TRIGGER_MODE_AUTO and TRIGGER_MODE_MANUAL.
type triggerMode model.TriggerMode

var _ starlark.Value = triggerMode(0)

// String returns the name of the constant.
func (m triggerMode) String() string {
	if model.TriggerMode(m) == model.TriggerManual {
		return "TRIGGER_MODE_MANUAL"
	}
	return "TRIGGER_MODE_AUTO"
}
func (m triggerMode) Type() string          { return "TriggerMode" }
func (m triggerMode) Freeze()               {}
func (m triggerMode) Truth() starlark.Bool  { return true }
func (m triggerMode) Hash() (uint32, error) { return uint32(m), nil }

func (m *triggerMode) Unpack(v starlark.Value) error {
	mode, ok := v.(triggerMode)
	if !ok {
		return fmt.Errorf("got %s, want TRIGGER_MODE_AUTO or TRIGGER_MODE_MANUAL", v.Type())
	}
	*m = mode
	return nil
}

// scopeTriggerMode is the trigger mode of the resources in a scope that don't have their own, and where it was set.
type scopeTriggerMode struct {
	mode     triggerMode
	position syntax.Position
}

// setTriggerMode is trigger_mode(mode).
func (r *Resources) setTriggerMode(c *Call) (starlark.Value, error) {
	var a struct {
		Mode triggerMode `arg:"trigger_mode"`
	}
	if err := c.Unpack(&a); err != nil {
		return nil, err
	}
	scope := r.evaluation.Scope
	if before, ok := r.triggerModes[scope]; ok {
		return nil, fmt.Errorf("trigger_mode can only be called once, and it was called at %s", before.position)
	}
	r.triggerModes[scope] = scopeTriggerMode{a.Mode, c.Position()}
	return nil, nil
}
