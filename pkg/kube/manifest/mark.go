// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package manifest

import (
	"crypto/sha1"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"

	"k8s.io/apimachinery/pkg/util/validation"

	"tilt.dev/session/pkg/model"
)

// Keys of labels and annotations that Inject sets.
const (
	// ResourceKey is a label and an annotation of every object: the name of its resource. The label has a hash in
	// place of a name that can't be a label. Pod templates don't have it: another name would roll out pods.
	ResourceKey = "session.tilt.dev/resource"
	// PodTemplateHashLabel is a label of the pod templates of built-in kinds, by which the pods of a deploy are told
	// from older ones. Another deploy of the same template has the same value.
	PodTemplateHashLabel = "tilt.dev/pod-template-hash"
	// LiveUpdatedLabel is a label of pods, whose containers have other files than their images since a live update. Inject
	// doesn't set it. Its value says nothing.
	LiveUpdatedLabel = "session.tilt.dev/live-updated"
)

// Mark is by what objects are found again.
type Mark struct {
	// Resource is the name of the resource.
	Resource string
	// Annotations are further annotations of every object. They aren't put on pod templates: another value makes a new
	// generation of a Deployment, but no new pods.
	Annotations map[string]string
}

// put adds the labels and annotations to an object, which it changes.
func (m Mark) put(o model.Object) error {
	annotations := map[string]string{ResourceKey: m.Resource}
	maps.Copy(annotations, m.Annotations)
	err := setStrings(o, annotations, "metadata", "annotations")
	if err == nil {
		err = setStrings(o, map[string]string{ResourceKey: resourceLabel(m.Resource)}, "metadata", "labels")
	}
	for _, template := range PodTemplates(o) {
		if err == nil {
			hash := map[string]string{PodTemplateHashLabel: podTemplateHash(template)}
			err = setStrings(template, hash, "metadata", "labels")
		}
	}
	if err != nil {
		return fmt.Errorf("%s: %w", IDOf(o), err)
	}
	return nil
}

// setStrings adds entries to a map, which it makes if it's missing.
func setStrings(fields map[string]any, entries map[string]string, path ...string) error {
	for _, key := range path {
		if fields[key] == nil {
			fields[key] = map[string]any{}
		}
		inner, ok := fields[key].(map[string]any)
		if !ok {
			return fmt.Errorf("%s is %s, expected a map", key, describe(fields[key]))
		}
		fields = inner
	}
	for key, value := range entries {
		fields[key] = value
	}
	return nil
}

// resourceLabel returns the value of the label ResourceKey for a resource.
func resourceLabel(resource string) string {
	if len(validation.IsValidLabelValue(resource)) == 0 {
		return resource
	}
	return shortHash([]byte(resource))
}

// podTemplateHash returns the hash of a pod template, which is the same with and without its label.
func podTemplateHash(template map[string]any) string {
	metadata := maps.Clone(mapAt(template, "metadata"))
	labels := maps.Clone(mapAt(metadata, "labels"))
	template = maps.Clone(template)
	delete(labels, PodTemplateHashLabel)
	if delete(metadata, "labels"); len(labels) > 0 {
		metadata["labels"] = labels
	}
	if delete(template, "metadata"); len(metadata) > 0 {
		template["metadata"] = metadata
	}
	text, _ := json.Marshal(template) //nolint:errchkjson // Objects are what JSON was decoded to.
	return shortHash(text)
}

// PodTemplateHashes returns the values of PodTemplateHashLabel in objects.
func PodTemplateHashes(objects []model.Object) (hashes []string) {
	for _, o := range objects {
		for _, labels := range podLabels(o) {
			if hash := labels[PodTemplateHashLabel]; hash != "" {
				hashes = append(hashes, hash)
			}
		}
	}
	return hashes
}

// shortHash returns a hash that can be the value of a label. It isn't for security.
func shortHash(text []byte) string {
	sum := sha1.Sum(text)
	return hex.EncodeToString(sum[:10])
}
