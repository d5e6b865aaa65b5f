// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package images

import (
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"go.starlark.net/starlark"

	"tilt.dev/session/pkg/image/dockerfile"
	"tilt.dev/session/pkg/model"
	"tilt.dev/session/pkg/tiltfile/builtins"
)

// dockerParameters are the parameters of docker_build.
type dockerParameters struct {
	Ref           builtins.Text        `arg:"ref"`
	Context       builtins.Path        `arg:"context"`
	BuildArgs     buildArguments       `arg:"build_args??"`
	Dockerfile    builtins.Path        `arg:"dockerfile??"`
	Contents      optionalText         `arg:"dockerfile_contents??"`
	Cache         builtins.StringList  `arg:"cache??"`
	LiveUpdate    LiveUpdate           `arg:"live_update??"`
	MatchInEnv    bool                 `arg:"match_in_env_vars??"`
	Ignore        builtins.PatternList `arg:"ignore??"`
	Only          builtins.StringList  `arg:"only??"`
	Entrypoint    builtins.CommandLine `arg:"entrypoint??"`
	ContainerArgs argumentList         `arg:"container_args??"`
	Target        string               `arg:"target??"`
	SSH           builtins.StringList  `arg:"ssh??"`
	Network       string               `arg:"network??"`
	Secret        builtins.StringList  `arg:"secret??"`
	ExtraTags     builtins.StringList  `arg:"extra_tag??"`
	CacheFrom     builtins.StringList  `arg:"cache_from??"`
	Pull          bool                 `arg:"pull??"`
	Platform      string               `arg:"platform??"`
	ExtraHosts    builtins.StringList  `arg:"extra_hosts??"`
}

// noContext is the context of a build that needs no files.
const noContext = "-"

// dockerBuild is docker_build(ref, context, ...).
func (i *Images) dockerBuild(c *builtins.Call) (starlark.Value, error) {
	a := &dockerParameters{Platform: i.variable("DOCKER_DEFAULT_PLATFORM")}
	if err := c.Unpack(a); err != nil {
		return nil, err
	}
	b, err := i.newBuild(c, a.Ref)
	if err != nil {
		return nil, err
	}
	if err := a.check(); err != nil {
		return nil, err
	}
	if a.Cache != nil {
		i.evaluation.Warn("docker_build(%q): cache= is obsolete and has no effect", b.name.String())
	}
	if b.docker, err = i.dockerOf(a); err != nil {
		return nil, err
	}
	b.needs, err = dockerfile.Bases(b.docker.Contents, i.known(b.docker.BuildArgs), b.docker.Target)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", nameOf(b.docker), err)
	}
	if err := i.dockerFiles(b, a, fmt.Sprintf("docker_build(%q)", b.name.String())); err != nil {
		return nil, err
	}
	b.use = useOf(a.MatchInEnv, a.Entrypoint, a.ContainerArgs)
	b.liveUpdate = a.LiveUpdate.LiveSteps
	return nil, i.add(b)
}

// optionalText is a string or blob, nil when it is left out.
type optionalText struct{ text *builtins.Text }

// Unpack implements starlark.Unpacker.
func (o *optionalText) Unpack(v starlark.Value) error {
	o.text = new(builtins.Text)
	return o.text.Unpack(v)
}

// check returns an error for arguments that are wrong by themselves.
func (a *dockerParameters) check() error {
	switch {
	case a.Dockerfile != "" && a.Contents.text != nil:
		//lint:ignore ST1005 The words that users of Tilt know.
		return errors.New("Cannot specify both dockerfile and dockerfile_contents keyword arguments")
	case a.Context == noContext && a.Dockerfile == "" && a.Contents.text == nil:
		return errors.New(`context "-" requires dockerfile or dockerfile_contents`)
	}
	for _, path := range a.Only {
		if strings.Contains(path, "*") {
			return fmt.Errorf("'only' does not support '*' file globs. Must be a real path: %s", path)
		}
	}
	if err := errors.Join(checkLines("ignore", a.Ignore), checkLines("only", a.Only)); err != nil {
		return err
	}
	for _, tag := range a.ExtraTags {
		if _, err := dockerfile.ParseName(tag); err != nil {
			//lint:ignore ST1005 The words that users of Tilt know.
			return fmt.Errorf("Argument extra_tag=%q not a valid image reference: %w", tag, unwrapAll(err))
		}
	}
	return nil
}

// dockerOf returns the build for checked arguments, without the files that it leaves out.
func (i *Images) dockerOf(a *dockerParameters) (*model.DockerBuild, error) {
	d := &model.DockerBuild{
		BuildArgs: a.BuildArgs, Target: a.Target, Network: a.Network, ExtraTags: a.ExtraTags, CacheFrom: a.CacheFrom,
		ExtraHosts: a.ExtraHosts, Pull: a.Pull, Platform: a.Platform,
	}
	if a.Context != noContext {
		d.Context = i.evaluation.Absolute(string(a.Context))
	}
	for _, text := range a.SSH {
		d.SSH = append(d.SSH, i.agent(text))
	}
	for _, text := range a.Secret {
		secret, err := parseSecret(text, i.evaluation.Absolute)
		if err != nil {
			return nil, fmt.Errorf("secret %q: %w", text, err)
		}
		d.Secrets = append(d.Secrets, secret)
	}
	if a.Contents.text != nil {
		d.Contents = string(*a.Contents.text)
		return d, nil
	}
	d.Dockerfile = filepath.Join(d.Context, "Dockerfile")
	if a.Dockerfile != "" {
		d.Dockerfile = i.evaluation.Absolute(string(a.Dockerfile))
	}
	content, err := i.evaluation.ReadData(d.Dockerfile)
	if err != nil {
		return nil, fmt.Errorf("error reading dockerfile: %w", err)
	}
	d.Contents = string(content)
	return d, nil
}

// nameOf names the Dockerfile of a build, for messages.
func nameOf(d *model.DockerBuild) string {
	if d.Dockerfile == "" {
		return "dockerfile_contents"
	}
	return d.Dockerfile
}

// dockerFiles sets which files a build depends on. Messages name what has declared it as its own.
func (i *Images) dockerFiles(b *build, a *dockerParameters, own string) error {
	d := b.docker
	if d.Context == "" {
		return nil
	}
	patterns := []string{gitDirectory}
	for _, file := range i.tiltfiles(b) {
		if relative, ok := below(d.Context, file); ok {
			patterns = append(patterns, literal(relative))
		}
	}
	d.Ignores = []model.IgnoreSet{{Base: d.Context, Patterns: patterns, Source: own}}
	if len(a.Ignore) > 0 {
		d.Ignores = append(d.Ignores, model.IgnoreSet{Base: d.Context, Patterns: a.Ignore, Source: own + ": ignore"})
	}
	if patterns := onlyPatterns(d.Context, a.Only); patterns != nil {
		d.Ignores = append(d.Ignores, model.IgnoreSet{Base: d.Context, Patterns: patterns, Source: own + ": only"})
	}
	b.deps, b.ignores = []string{d.Context}, slices.Clone(d.Ignores)
	if d.Dockerfile != "" {
		b.ignores = append(b.ignores, fileIgnored(d.Dockerfile, own))
		file := d.Dockerfile + ignoreFile
		if found, err := i.addIgnoreFile(b, d.Context, file); found || err != nil {
			if _, inside := below(d.Context, file); !inside {
				b.deps = append(b.deps, file)
			}
			return err
		}
	}
	_, err := i.addIgnoreFile(b, d.Context, filepath.Join(d.Context, ignoreFile))
	return err
}

// buildArguments are "KEY=value" entries in sorted order, or "KEY" for a variable of the environment.
type buildArguments []string

// Unpack implements starlark.Unpacker.
func (l *buildArguments) Unpack(v starlark.Value) error {
	var arguments builtins.StringMap
	if err := arguments.Unpack(v); err != nil {
		return err
	}
	for _, key := range slices.Sorted(maps.Keys(arguments)) {
		entry := key
		if value := arguments[key]; value != "" {
			entry += "=" + value
		}
		if key == "" || strings.ContainsAny(key, "=") || strings.Contains(entry, "\x00") {
			return fmt.Errorf("invalid build argument %q", entry)
		}
		*l = append(*l, entry)
	}
	return nil
}

// known returns the build arguments with the values that the environment has.
func (i *Images) known(arguments []string) []string {
	var all []string
	for _, entry := range arguments {
		if !strings.Contains(entry, "=") {
			if value := i.variable(entry); value != "" {
				entry += "=" + value
			}
		}
		all = append(all, entry)
	}
	return all
}

// variable returns the value of a variable of the environment, empty for none.
func (i *Images) variable(key string) string {
	value, found, err := i.environ.Get(starlark.String(key))
	if !found || err != nil {
		return ""
	}
	text, _ := starlark.AsString(value)
	return text
}

// agent returns an entry of ssh= with absolute paths: "ID" or "ID=PATH,PATH".
func (i *Images) agent(text string) string {
	id, list, ok := strings.Cut(text, "=")
	if !ok || list == "" {
		return text
	}
	paths := strings.Split(list, ",")
	for n, path := range paths {
		paths[n] = i.evaluation.Absolute(path)
	}
	return id + "=" + strings.Join(paths, ",")
}
