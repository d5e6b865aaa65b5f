// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package kubernetes

import (
	"errors"
	"fmt"
	"slices"

	"github.com/distribution/reference"
	"go.starlark.net/starlark"

	"tilt.dev/session/pkg/model"
	"tilt.dev/session/pkg/tiltfile/builtins"
	"tilt.dev/session/pkg/tiltfile/images"
)

// customDeploy is k8s_custom_deploy(name, apply_cmd, delete_cmd, deps, ...).
func (k *Kubernetes) customDeploy(c *builtins.Call) (starlark.Value, error) {
	var a struct {
		Name              builtins.ResourceName `arg:"name"`
		Apply             builtins.CommandLine  `arg:"apply_cmd"`
		Delete            builtins.CommandLine  `arg:"delete_cmd"`
		Deps              builtins.PathList     `arg:"deps"`
		ImageSelector     string                `arg:"image_selector??"`
		LiveUpdate        images.LiveUpdate     `arg:"live_update??"`
		ApplyDir          builtins.Path         `arg:"apply_dir??"`
		ApplyEnv          builtins.Environment  `arg:"apply_env??"`
		ApplyBat          builtins.CommandLine  `arg:"apply_cmd_bat??"`
		DeleteDir         builtins.Path         `arg:"delete_dir??"`
		DeleteEnv         builtins.Environment  `arg:"delete_env??"`
		DeleteBat         builtins.CommandLine  `arg:"delete_cmd_bat??"`
		ContainerSelector string                `arg:"container_selector??"`
		ImageDeps         builtins.Sequence     `arg:"image_deps??"`
	}
	if err := c.Unpack(&a); err != nil {
		return nil, err
	}
	k.cluster().Deploys()
	name := string(a.Name)
	switch {
	case k.evaluation.HasResource(name),
		slices.ContainsFunc(k.customs, func(r *resource) bool { return r.name == name }):
		return nil, fmt.Errorf("k8s_custom_deploy: resource named %q already exists", name)
	case a.Apply.Command == nil:
		return nil, errors.New("k8s_custom_deploy: apply_cmd cannot be empty")
	case a.Delete.Command == nil:
		return nil, errors.New("k8s_custom_deploy: delete_cmd cannot be empty")
	}
	r := newResource(name, k.evaluation.Scope)
	r.position = c.Position()
	r.custom = &model.CustomDeploy{
		Apply:  *k.evaluation.Placed(a.Apply, a.ApplyDir, a.ApplyEnv),
		Delete: *k.evaluation.Placed(a.Delete, a.DeleteDir, a.DeleteEnv),
	}
	r.imageDeps = a.ImageDeps
	for _, path := range a.Deps {
		r.deps = append(r.deps, k.evaluation.Absolute(path))
	}
	if a.LiveUpdate.LiveSteps != nil {
		update, err := customLiveUpdate(a.LiveUpdate, a.ImageSelector, a.ContainerSelector)
		if err == nil {
			err = a.LiveUpdate.CheckPaths(r.deps)
		}
		if err != nil {
			return nil, fmt.Errorf("k8s_custom_deploy: %w", err)
		}
		r.liveUpdate = update
	}
	k.customs = append(k.customs, r)
	return nil, nil
}

// customLiveUpdate returns a live update with the selector of its containers.
func customLiveUpdate(steps images.LiveUpdate, image, container string) (*model.LiveUpdate, error) {
	switch {
	case image == "" && container == "":
		return nil, errors.New("no Live Update selector specified: give image_selector or container_selector")
	case image != "" && container != "":
		return nil, errors.New("cannot specify more than one Live Update selector: " +
			"give image_selector or container_selector")
	case image != "":
		named, err := reference.ParseNormalizedNamed(image)
		if err != nil {
			return nil, fmt.Errorf("can't parse image_selector %q: %w", image, err)
		}
		image = named.Name()
	}
	return &model.LiveUpdate{LiveSteps: *steps.LiveSteps, Repository: image, Container: container}, nil
}
