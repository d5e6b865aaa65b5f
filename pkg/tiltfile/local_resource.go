// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package tiltfile

import (
	"errors"
	"fmt"
	"strings"

	"go.starlark.net/starlark"

	"tilt.dev/session/pkg/logs"
	"tilt.dev/session/pkg/model"
)

func (e *evaluation) resourceLibrary() library {
	return functions(map[string]function{"local_resource": e.localResource, "test": e.test})
}

// definition is a resource as it was defined. What trigger_mode() says later
// isn't in it yet.
type definition struct {
	model.Resource
	triggerMode optionalTriggerMode
	scope       *scope
}

// resource returns the finished resource. Its scope says how it's triggered if
// it doesn't.
func (d *definition) resource() model.Resource {
	mode := d.scope.triggerMode.value
	if d.triggerMode.set {
		mode = d.triggerMode.value
	}
	r := d.Resource
	r.TriggerMode = model.TriggerMode(mode)
	return r
}

// resourceArguments are those of local_resource, in its order.
type resourceArguments struct {
	name           resourceName
	cmd            commandArgument
	deps           pathList
	triggerMode    optionalTriggerMode
	resourceDeps   stringList
	ignore         patternList
	autoInit       bool
	serveCmd       commandArgument
	cmdBat         commandArgument
	serveCmdBat    commandArgument
	allowParallel  bool
	links          linkList
	labels         labelList
	env, serveEnv  environment
	readinessProbe *object[model.Probe]
	dir, serveDir  localPath
	policy         policyArguments
}

func (a *resourceArguments) unpack(fn *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) error {
	pairs := []any{
		"name", &a.name,
		"cmd??", &a.cmd,
		"deps??", &a.deps,
		"trigger_mode??", &a.triggerMode,
		"resource_deps??", &a.resourceDeps,
		"ignore??", &a.ignore,
		"auto_init??", &a.autoInit,
		"serve_cmd??", &a.serveCmd,
		"cmd_bat??", &a.cmdBat,
		"serve_cmd_bat??", &a.serveCmdBat,
		"allow_parallel??", &a.allowParallel,
		"links??", &a.links,
		"labels??", &a.labels,
		"env??", &a.env,
		"serve_env??", &a.serveEnv,
		"readiness_probe??", &a.readinessProbe,
		"dir??", &a.dir,
		"serve_dir??", &a.serveDir,
	}
	if positional := len(pairs) / 2; len(args) > positional {
		return fmt.Errorf("%s: got %d arguments, want at most %d", fn.Name(), len(args), positional)
	}
	return starlark.UnpackArgs(fn.Name(), args, kwargs, append(pairs, a.policy.pairs()...)...)
}

// reservedName is what the target of the Tiltfile itself begins with.
const reservedName = "tiltfile"

// check returns an error for arguments that contradict each other.
func (a *resourceArguments) check() error {
	switch {
	case a.cmd.Command == nil && a.serveCmd.Command == nil:
		return errors.New("local_resource must have a cmd and/or a serve_cmd, but both were empty")
	case a.cmd.Command != nil && string(a.name) == reservedName:
		return fmt.Errorf("local_resource named %q can't have a cmd: its job would be called like the Tiltfile's own", reservedName)
	case a.cmd.Command == nil && a.dir != "":
		return errors.New("dir is for cmd, and there's only a serve_cmd: did you mean serve_dir?")
	case a.serveCmd.Command == nil && a.serveDir != "":
		return errors.New("serve_dir is for serve_cmd, and there's only a cmd: did you mean dir?")
	}
	for _, pattern := range a.ignore {
		if strings.Contains(pattern, "\n") {
			return fmt.Errorf("ignore cannot contain newlines, each pattern is an element of a list; found ignore: %q", pattern)
		}
	}
	return a.policy.check(a.cmd.Command != nil, a.serveCmd.Command != nil)
}

// localResource is local_resource(name, cmd, ...).
func (e *evaluation) localResource(_ *starlark.Thread, fn *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	return starlark.None, e.defineResource(fn, args, kwargs, resourceArguments{autoInit: true})
}

// test is the old name for a local_resource that runs beside others.
func (e *evaluation) test(_ *starlark.Thread, fn *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	e.log(logs.LevelWarn, "test() is deprecated: use local_resource(..., allow_parallel=True)")
	return starlark.None, e.defineResource(fn, args, kwargs, resourceArguments{autoInit: true, allowParallel: true})
}

// defineResource adds a resource. The arguments not given are those of a.
func (e *evaluation) defineResource(fn *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple, a resourceArguments) error {
	if err := a.unpack(fn, args, kwargs); err != nil {
		return err
	}
	if err := a.check(); err != nil {
		return err
	}
	name := string(a.name)
	if e.defined[name] {
		return fmt.Errorf("local_resource named %q already exists", name)
	}
	if a.readinessProbe != nil && a.serveCmd.Command == nil {
		e.log(logs.LevelWarn, fmt.Sprintf("Ignoring readiness probe for local resource %q (no serve_cmd was defined)", name))
		a.readinessProbe = nil
	}
	e.defined[name] = true
	e.resources = append(e.resources, &definition{e.newResource(&a), a.triggerMode, e.scope})
	return nil
}

// newResource makes a resource of checked arguments.
func (e *evaluation) newResource(a *resourceArguments) model.Resource {
	r := model.Resource{
		Name:         string(a.name),
		Update:       e.placed(a.cmd, a.dir, a.env),
		Serve:        e.placed(a.serveCmd, a.serveDir, a.serveEnv),
		ResourceDeps: a.resourceDeps,
		AutoInit:     a.autoInit,
		// Without a job there's nothing that could get in the way of others.
		AllowParallel: a.allowParallel || a.cmd.Command == nil,
		Links:         a.links,
		Labels:        a.labels,
	}
	if a.readinessProbe != nil {
		r.Readiness = &a.readinessProbe.value
	}
	for _, dep := range a.deps {
		r.Deps = append(r.Deps, e.absolute(dep))
	}
	a.policy.apply(&r)
	if len(a.ignore) > 0 {
		r.Ignores = []model.IgnoreSet{{Base: e.directory(), Patterns: a.ignore, Source: fmt.Sprintf("local_resource(%q)", r.Name)}}
	}
	return r
}

// placed returns a command with its surroundings, nil for none.
func (e *evaluation) placed(c commandArgument, dir localPath, env environment) *model.Command {
	if c.Command == nil {
		return nil
	}
	return &model.Command{Argv: c.Argv, Dir: e.absolute(string(dir)), Env: env}
}
