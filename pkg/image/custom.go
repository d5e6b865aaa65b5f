// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package image

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"

	"github.com/distribution/reference"

	"tilt.dev/session/pkg/model"
	"tilt.dev/session/pkg/process"
)

// These texts are Tilt's, by which people and scripts know them.
const (
	notInEngine = "Could not find image in Docker"
	noOutput    = "Could not find image ref in output. Your custom_build script should have written to"
)

// custom does a custom_build().
func (a *build) custom(registry *model.Registry) (product, error) {
	spec := a.image.Custom
	e, err := expect(a.image, registry, a.begun.Unix())
	if err != nil {
		return product{}, err
	}
	if spec.OutputsRefTo != "" {
		if err := os.Remove(spec.OutputsRefTo); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return product{}, fmt.Errorf("remove the file of the last image ref: %w", err)
		}
	}
	given := append(e.variables(registry), a.switched...)
	for i, base := range a.image.Bases {
		built, ok := a.request.Images[base]
		if !ok {
			return product{}, fmt.Errorf("image %q, which the build depends on, isn't built", base)
		}
		given = append(given, fmt.Sprintf("TILT_IMAGE_%d=%s", i, built.Ref),
			fmt.Sprintf("TILT_IMAGE_MAP_%d=%s", i, mapName(base)))
	}
	a.say("Custom Build: Injecting Environment Variables")
	for _, entry := range given {
		a.say("  %s", entry)
	}
	if err := a.runCustom(process.MergeEnv(a.env, spec.Command.Env, given)); err != nil {
		return product{}, err
	}
	return a.collect(e, registry)
}

// runCustom runs the command.
func (a *build) runCustom(env []string) error {
	spec := a.image.Custom
	a.say("Running: %s", spec.Command)
	log := a.request.Log.Writer()
	defer log.Close()
	exit, err := a.execute(process.Spec{Argv: spec.Command.Argv, Dir: spec.Command.Dir, Env: env, Output: log})
	if err != nil {
		return err
	}
	return failure(exit, "Custom build %q failed: %s", spec.Command, exit)
}

// collect finds what the command has made.
func (a *build) collect(e expected, registry *model.Registry) (product, error) {
	spec := a.image.Custom
	if spec.OutputsRefTo == "" {
		made := product{ref: e.local, clusterRef: e.cluster}
		if spec.SkipsLocalDocker {
			return made, nil
		}
		made, err := a.label(e.local, registry)
		if errors.Is(err, errNoImage) {
			return made, fmt.Errorf("%s: %s; the command has to give its image the tag $EXPECTED_REF, or set "+
				"skips_local_docker=True if the image never is in the local engine", notInEngine, e.local)
		}
		if spec.DisablePush {
			made.expected = e.cluster
		}
		if err == nil && spec.Tag == "" {
			err = a.untag(e.local)
		}
		return made, err
	}
	ref, err := readReference(spec.OutputsRefTo)
	if err != nil {
		return product{}, err
	}
	made := product{ref: ref, clusterRef: forCluster(ref, registry)}
	if !spec.SkipsLocalDocker {
		if _, made.content, err = a.inspect(ref); errors.Is(err, errNoImage) {
			err = fmt.Errorf("%s: %s, as file %s says; set skips_local_docker=True if the image never is in the "+
				"local engine", notInEngine, ref, spec.OutputsRefTo)
		}
	}
	return made, err
}

// readReference reads the reference that a command has left in a file.
func readReference(file string) (string, error) {
	data, err := os.ReadFile(file)
	text := strings.TrimSpace(string(data))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("read image ref: %w", err)
	}
	if text == "" {
		return "", fmt.Errorf("%s %s", noOutput, file)
	}
	named, err := reference.ParseNormalizedNamed(text)
	if err != nil {
		return "", fmt.Errorf("image ref %q in %s: %w", text, file, err)
	}
	if _, ok := named.(reference.Tagged); !ok {
		return "", fmt.Errorf("image ref %q in %s has no tag", text, file)
	}
	return text, nil
}

// expected is the image that a command is asked to make.
type expected struct {
	// local is the reference, cluster what the cluster calls it.
	local, cluster string
}

// expect returns what the command of an image is asked to make.
func expect(image *model.ImageBuild, registry *model.Registry, now int64) (e expected, err error) {
	tag := image.Custom.Tag
	if tag != "" {
		registry = nil
	} else {
		tag = "tilt-build-" + strconv.FormatInt(now, 10)
	}
	e.local, e.cluster, err = references(image.Image, tag, registry)
	return e, err
}

// variables are those that tell the command what to make.
func (e expected) variables(registry *model.Registry) []string {
	repository, tag := e.local, ""
	if i := strings.LastIndexByte(repository, ':'); i >= 0 {
		repository, tag = repository[:i], repository[i+1:]
	}
	path := repository
	if named, err := reference.ParseNormalizedNamed(repository); err == nil {
		path = strings.TrimPrefix(repository, reference.Domain(named)+"/")
	}
	env := []string{"EXPECTED_REF=" + e.local, "EXPECTED_IMAGE=" + path, "EXPECTED_TAG=" + tag}
	if registry != nil && registry.Host != "" {
		env = append(env, "EXPECTED_REGISTRY="+registry.Host, "REGISTRY_HOST="+registry.Host)
	}
	return env
}
