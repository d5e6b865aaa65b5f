// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package kubernetes

import (
	"errors"
	"fmt"
	"strings"

	"go.starlark.net/starlark"

	"tilt.dev/session/pkg/kube/manifest"
	"tilt.dev/session/pkg/model"
	"tilt.dev/session/pkg/tiltfile/builtins"
	"tilt.dev/session/pkg/tiltfile/data"
)

// yaml is k8s_yaml(yaml, allow_duplicates=False). The yaml is the path of a file, a blob with the text, or a list of
// these.
func (k *Kubernetes) yaml(c *builtins.Call) (starlark.Value, error) {
	var a struct {
		YAML            starlark.Value `arg:"yaml"`
		AllowDuplicates bool           `arg:"allow_duplicates??"`
	}
	if err := c.Unpack(&a); err != nil {
		return nil, err
	}
	k.cluster().Deploys()
	var sources []starlark.Value
	for _, element := range builtins.ElementsOf(a.YAML) {
		sources = append(sources, builtins.ElementsOf(element)...)
	}
	if a.YAML == starlark.None || len(sources) == 0 {
		return nil, errEmpty
	}
	for _, source := range sources {
		objects, err := k.parse(source)
		if err != nil {
			return nil, err
		}
		if err := k.register(c, objects, a.AllowDuplicates); err != nil {
			return nil, err
		}
	}
	return nil, nil
}

//lint:ignore ST1005 The words that users of Tilt know.
var errEmpty = errors.New("Empty YAML passed to k8s_yaml")

// parse returns the objects of a file or a blob.
func (k *Kubernetes) parse(source starlark.Value) ([]model.Object, error) {
	if text, ok := source.(data.Blob); ok {
		if strings.TrimSpace(string(text)) == "" {
			return nil, errEmpty
		}
		objects, err := manifest.Parse([]byte(text))
		if err != nil {
			//lint:ignore ST1005 The words that users of Tilt know.
			return nil, fmt.Errorf("Error reading yaml from a blob: %w", err)
		}
		return objects, nil
	}
	var path builtins.Path
	if err := path.Unpack(source); err != nil {
		return nil, fmt.Errorf("for parameter yaml: %w, a blob, or a list of these", err)
	}
	content, err := k.evaluation.ReadData(k.evaluation.Absolute(string(path)))
	if err != nil {
		return nil, err
	}
	objects, err := manifest.Parse(content)
	if err != nil {
		return nil, fmt.Errorf("%s is not a valid YAML file: %w", path, err)
	}
	return objects, nil
}

// register adds objects to those that are deployed.
func (k *Kubernetes) register(c *builtins.Call, objects []model.Object, allowDuplicates bool) error {
	stack := callStack(c.Thread)
	for _, o := range objects {
		id := manifest.IDOf(o)
		added := &object{o, k.evaluation.Scope, c.Position(), stack}
		switch first := k.first[id]; {
		case first == nil:
			k.first[id] = added
		case !allowDuplicates:
			//lint:ignore ST1005 The words that users of Tilt know.
			return fmt.Errorf("Duplicate YAML: %s\n"+
				"If this is meant, pass allow_duplicates=True to k8s_yaml. It was registered before by:\n%s",
				id, first.stack)
		}
		k.objects = append(k.objects, added)
	}
	if redact := k.evaluation.Redact; redact != nil && !k.evaluation.ShowSecrets {
		if secrets := manifest.Secrets(objects); len(secrets) > 0 {
			redact(secrets)
		}
	}
	return nil
}

// callStack describes the calls that led to that of a builtin.
func callStack(thread *starlark.Thread) string {
	var lines []string
	for _, frame := range thread.CallStack() {
		if frame.Pos.Line > 0 {
			lines = append(lines, fmt.Sprintf("  %s: in %s", frame.Pos, frame.Name))
		}
	}
	return strings.Join(lines, "\n")
}
