// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package builtins

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.starlark.net/starlark"
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
	triggerMode *triggerMode
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
		if d.triggerMode != nil {
			resources[i].TriggerMode = model.TriggerMode(*d.triggerMode)
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
	Name           resourceName         `arg:"name"`
	Cmd            command              `arg:"cmd??"`
	Deps           pathList             `arg:"deps??"`
	TriggerMode    *triggerMode         `arg:"trigger_mode??"`
	ResourceDeps   StringList           `arg:"resource_deps??"`
	Ignore         patternList          `arg:"ignore??"`
	AutoInit       bool                 `arg:"auto_init??"`
	ServeCmd       command              `arg:"serve_cmd??"`
	CmdBat         command              `arg:"cmd_bat??"`
	ServeCmdBat    command              `arg:"serve_cmd_bat??"`
	AllowParallel  bool                 `arg:"allow_parallel??"`
	Links          linkList             `arg:"links??"`
	Labels         labelList            `arg:"labels??"`
	Env            environment          `arg:"env??"`
	ServeEnv       environment          `arg:"serve_env??"`
	ReadinessProbe *object[model.Probe] `arg:"readiness_probe??"`
	Dir            Path                 `arg:"dir??"`
	ServeDir       Path                 `arg:"serve_dir??"`

	Timeout          *limit         `arg:"timeout??,keyword"`
	ReadinessTimeout *limit         `arg:"readiness_timeout??,keyword"`
	Retries          *count         `arg:"retries??,keyword"`
	Restart          *restartPolicy `arg:"restart??,keyword"`
}

// localResource is local_resource(name, cmd, ...).
func (r *Resources) localResource(c *Call) (starlark.Value, error) {
	return nil, r.define(c, &localResourceParameters{AutoInit: true})
}

// test is the deprecated form of local_resource(..., allow_parallel=True).
func (r *Resources) test(c *Call) (starlark.Value, error) {
	r.evaluation.Warn("test() is deprecated: use local_resource(..., allow_parallel=True)")
	return nil, r.define(c, &localResourceParameters{AutoInit: true, AllowParallel: true})
}

// define adds a resource. An argument that is left out keeps its value in a.
func (r *Resources) define(c *Call, a *localResourceParameters) error {
	if err := c.Unpack(a); err != nil {
		return err
	}
	if err := a.check(); err != nil {
		return err
	}
	if r.has(string(a.Name)) {
		return fmt.Errorf("local_resource named %q already exists", string(a.Name))
	}
	if a.ReadinessProbe != nil && a.ServeCmd.Command == nil {
		r.evaluation.Warn("Ignoring readiness probe for local resource %q (no serve_cmd was defined)", string(a.Name))
		a.ReadinessProbe = nil
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
		{"timeout", "readiness_timeout", a.Timeout != nil, a.ReadinessTimeout != nil},
		{"retries", "restart", a.Retries != nil, a.Restart != nil},
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
		Readiness:    a.ReadinessProbe.model(),
		AutoInit:     a.AutoInit,
		// A resource without a job doesn't block others.
		AllowParallel:    a.AllowParallel || a.Cmd.Command == nil,
		Links:            a.Links,
		Labels:           a.Labels,
		Timeout:          time.Duration(ptr.Deref(a.Timeout, 0)),
		ReadinessTimeout: time.Duration(ptr.Deref(a.ReadinessTimeout, 0)),
		Retries:          int(ptr.Deref(a.Retries, 0)),
		Restart:          model.RestartPolicy(ptr.Deref(a.Restart, 0)),
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
