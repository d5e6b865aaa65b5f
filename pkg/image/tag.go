// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package image

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/distribution/reference"

	"tilt.dev/session/pkg/model"
)

// errNoImage is the error of an image that isn't in the local engine.
var errNoImage = errors.New("image isn't in the local engine")

// inspection is what matters of an image for its content.
type inspection struct {
	Architecture, Os, Variant string
	RootFS                    struct{ Layers []string }
	Config                    map[string]any
}

// configKeys are the fields of an image's configuration that its author sets. Others depend on the builder.
var configKeys = []string{
	"User", "ExposedPorts", "Env", "Entrypoint", "Cmd", "Volumes", "WorkingDir", "Labels", "StopSignal",
	"Healthcheck", "Shell", "OnBuild",
}

// contentTag returns the tag and the digest of what the program says about an image.
func contentTag(inspected []byte) (tag, digest string, err error) {
	var images []inspection
	if err := json.Unmarshal(inspected, &images); err != nil {
		return "", "", fmt.Errorf("decode what is known about an image: %w", err)
	}
	if len(images) != 1 {
		return "", "", fmt.Errorf("%d images have one reference", len(images))
	}
	image := images[0]
	config := map[string]any{}
	for _, key := range configKeys {
		switch value := image.Config[key].(type) {
		case nil:
		case string:
			if value != "" && !(key == "WorkingDir" && value == "/") {
				config[key] = value
			}
		case []any:
			if len(value) > 0 {
				config[key] = value
			}
		case map[string]any:
			if len(value) > 0 {
				config[key] = value
			}
		default:
			config[key] = value
		}
	}
	image.Config = config
	encoded, err := json.Marshal(image)
	if err != nil {
		return "", "", fmt.Errorf("encode the content of an image: %w", err)
	}
	sum := sha256.Sum256(encoded)
	digest = hex.EncodeToString(sum[:])
	return "tilt-" + digest[:16], digest, nil
}

// inspect returns the tag and the digest of an image's content.
func (a *build) inspect(ref string) (tag, digest string, err error) {
	out, err := a.query(a.builder.options.Program, "image", "inspect", ref)
	var failed *commandError
	if errors.As(err, &failed) {
		for _, text := range []string{"no such", "not known", "not found"} {
			if strings.Contains(strings.ToLower(failed.text), text) {
				return "", "", errNoImage
			}
		}
	}
	if err != nil {
		return "", "", err
	}
	return contentTag([]byte(out))
}

// untag takes a temporary reference from an image that has another one. That it stays does no harm.
func (a *build) untag(ref string) error {
	_, err := a.query(a.builder.options.Program, "image", "rm", ref)
	var failed *commandError
	if errors.As(err, &failed) {
		return nil
	}
	return err
}

// label gives an image of the engine its references by content.
func (a *build) label(ref string, registry *model.Registry) (product, error) {
	tag, digest, err := a.inspect(ref)
	if err != nil {
		return product{}, err
	}
	local, cluster, err := references(a.image.Image, tag, registry)
	if err != nil {
		return product{}, err
	}
	local = a.local(local)
	if _, err := a.query(a.builder.options.Program, "tag", ref, local); err != nil {
		return product{}, err
	}
	a.say("Built %s", local)
	return product{ref: local, clusterRef: cluster, content: digest}, nil
}

// local returns a reference as the program needs it. Podman completes short names by localhost/, unlike clusters.
func (a *build) local(ref string) string {
	if a.builder.options.Program == ProgramPodman {
		return qualified(ref)
	}
	return ref
}

// name is the image's repository in the local engine.
func (a *build) name() string {
	named, err := reference.ParseNormalizedNamed(a.image.Image)
	if err != nil {
		return a.image.Image
	}
	return a.local(reference.FamiliarName(named))
}
