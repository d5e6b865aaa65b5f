// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package images

import (
	"errors"
	"fmt"
	"path/filepath"

	"go.starlark.net/starlark"

	"tilt.dev/session/pkg/image/dockerfile"
	"tilt.dev/session/pkg/model"
	"tilt.dev/session/pkg/tiltfile/builtins"
)

// customParameters are the parameters of custom_build. The commands for Windows aren't used.
type customParameters struct {
	Ref              builtins.Text        `arg:"ref"`
	Command          builtins.CommandLine `arg:"command"`
	Deps             builtins.PathList    `arg:"deps"`
	Tag              string               `arg:"tag??"`
	DisablePush      bool                 `arg:"disable_push??"`
	SkipsLocalDocker bool                 `arg:"skips_local_docker??"`
	LiveUpdate       LiveUpdate           `arg:"live_update??"`
	MatchInEnv       bool                 `arg:"match_in_env_vars??"`
	Ignore           builtins.PatternList `arg:"ignore??"`
	Entrypoint       builtins.CommandLine `arg:"entrypoint??"`
	ContainerArgs    argumentList         `arg:"container_args??"`
	CommandBatVal    builtins.CommandLine `arg:"command_bat_val??"`
	OutputsRefTo     builtins.Path        `arg:"outputs_image_ref_to??"`
	CommandBat       builtins.CommandLine `arg:"command_bat??"`
	ImageDeps        builtins.StringList  `arg:"image_deps??"`
	Env              builtins.Environment `arg:"env??"`
	Dir              builtins.Path        `arg:"dir??"`
}

// customBuild is custom_build(ref, command, deps, ...).
func (i *Images) customBuild(c *builtins.Call) (starlark.Value, error) {
	a := &customParameters{}
	if err := c.Unpack(a); err != nil {
		return nil, err
	}
	b, err := i.newBuild(c, a.Ref)
	if err != nil {
		return nil, err
	}
	if err := a.check(b.name); err != nil {
		return nil, err
	}
	b.custom = &model.CustomBuild{
		Command:          *i.evaluation.Placed(a.Command, a.Dir, a.Env),
		Tag:              a.Tag,
		SkipsLocalDocker: a.SkipsLocalDocker,
		DisablePush:      a.DisablePush,
	}
	if a.OutputsRefTo != "" {
		b.custom.OutputsRefTo = i.evaluation.Absolute(string(a.OutputsRefTo))
	}
	for _, dep := range a.ImageDeps {
		if _, err := dockerfile.ParseName(dep); err != nil {
			//lint:ignore ST1005 The words that users of Tilt know.
			return nil, fmt.Errorf("Argument image_deps: can't parse %q: %w", dep, unwrapAll(err))
		}
	}
	b.needs = a.ImageDeps
	if err := i.customFiles(b, a); err != nil {
		return nil, err
	}
	b.use = useOf(a.MatchInEnv, a.Entrypoint, a.ContainerArgs)
	b.liveUpdate = a.LiveUpdate.LiveSteps
	return customValue(b.name.String()), i.add(b)
}

// check returns an error for arguments that are wrong by themselves.
func (a *customParameters) check(name dockerfile.Name) error {
	switch {
	case a.Command.Command == nil:
		//lint:ignore ST1005 The words that users of Tilt know.
		return errors.New("Argument 2 (command) can't be empty")
	case len(a.Deps) == 0 && len(a.ImageDeps) == 0:
		//lint:ignore ST1005 As above.
		return errors.New("Argument 3 (deps) can't be empty without image_deps")
	case a.Tag != "" && a.OutputsRefTo != "":
		//lint:ignore ST1005 As above.
		return errors.New("Cannot specify both tag= and outputs_image_ref_to=")
	}
	if a.Tag != "" {
		if _, err := dockerfile.ParseName(name.Repository() + ":" + a.Tag); err != nil {
			return fmt.Errorf("tag %q: %w", a.Tag, unwrapAll(err))
		}
	}
	return checkLines("ignore", a.Ignore)
}

// customFiles sets which files a build depends on.
func (i *Images) customFiles(b *build, a *customParameters) error {
	own := fmt.Sprintf("custom_build(%q)", b.name.String())
	b.deps = i.absolute(a.Deps)
	for _, file := range i.tiltfiles(b) {
		if belowAny(file, b.deps) {
			b.ignores = append(b.ignores, fileIgnored(file, own))
		}
	}
	if len(a.Ignore) > 0 {
		b.ignores = append(b.ignores, model.IgnoreSet{
			Base: i.evaluation.Directory(), Patterns: a.Ignore, Source: own + ": ignore",
		})
	}
	if b.custom.OutputsRefTo != "" {
		b.ignores = append(b.ignores, fileIgnored(b.custom.OutputsRefTo, own))
	}
	for _, dep := range b.deps {
		if !isDirectory(dep) {
			continue
		}
		if _, err := i.addIgnoreFile(b, dep, filepath.Join(dep, ignoreFile)); err != nil {
			return err
		}
	}
	return nil
}

// customValue is what custom_build returns: the name of the image.
type customValue string

var _ starlark.Value = customValue("")

func (v customValue) String() string        { return fmt.Sprintf("custom_build(%q)", string(v)) }
func (v customValue) Type() string          { return "custom_build" }
func (v customValue) Freeze()               {}
func (v customValue) Truth() starlark.Bool  { return true }
func (v customValue) Hash() (uint32, error) { return starlark.String(v).Hash() }
