// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package image

import (
	"fmt"
	"path"
	"strings"

	"github.com/distribution/reference"

	"tilt.dev/session/pkg/model"
)

var escaper = strings.NewReplacer("/", "_", ":", "_", "@", "_")

// references returns the references of an image with a tag: for this machine, and for the cluster. Without a registry
// both are the image's own name.
func references(image, tag string, registry *model.Registry) (local, cluster string, err error) {
	named, err := reference.ParseNormalizedNamed(image)
	if err != nil {
		return "", "", fmt.Errorf("image reference %q: %w", image, err)
	}
	name := reference.FamiliarName(named)
	if registry == nil || registry.Host == "" {
		return name + ":" + tag, name + ":" + tag, nil
	}
	repository := escaper.Replace(name)
	within := strings.HasPrefix(name, registry.Host+"/")
	switch {
	case registry.SingleName != "":
		repository, tag = registry.SingleName, escaper.Replace(path.Base(name))+"-"+tag
	case within:
		repository = strings.TrimPrefix(name, registry.Host+"/")
	}
	local = registry.Host + "/" + repository + ":" + tag
	if _, err := reference.ParseNormalizedNamed(local); err != nil {
		return "", "", fmt.Errorf("reference of image %q within registry %q: %q: %w", image, registry.Host, local, err)
	}
	return local, forCluster(local, registry), nil
}

// forCluster returns a reference as the cluster reaches it.
func forCluster(ref string, registry *model.Registry) string {
	if registry == nil || registry.HostFromCluster == "" {
		return ref
	}
	if rest, ok := strings.CutPrefix(ref, registry.Host+"/"); ok {
		return registry.HostFromCluster + "/" + rest
	}
	return ref
}

// qualified returns a reference with its host, as programs need it that complete names in their own way.
func qualified(ref string) string {
	if named, err := reference.ParseNormalizedNamed(ref); err == nil {
		return named.String()
	}
	return ref
}

// mapName is the name of an image in the API.
func mapName(image string) string { return strings.NewReplacer("/", "_", "%", "_").Replace(image) }
