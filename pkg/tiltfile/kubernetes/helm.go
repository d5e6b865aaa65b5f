// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package kubernetes

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"

	"go.starlark.net/starlark"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/kustomize/kyaml/openapi"
	kyaml "sigs.k8s.io/kustomize/kyaml/yaml"
	"sigs.k8s.io/yaml"

	"tilt.dev/session/pkg/kube/manifest"
	"tilt.dev/session/pkg/model"
	"tilt.dev/session/pkg/tiltfile/builtins"
	"tilt.dev/session/pkg/tiltfile/data"
)

// noHelm has the words that users of Tilt know.
const noHelm = "Unable to find Helm installation. Make sure `helm` is on your $PATH."

// helmParameters are the parameters of helm. Paths in it are as the Tiltfile gives them.
type helmParameters struct {
	Chart       builtins.Path       `arg:"paths,alias=path"`
	Name        string              `arg:"name??"`
	Namespace   string              `arg:"namespace??"`
	Values      builtins.PathList   `arg:"values??"`
	Set         builtins.StringList `arg:"set??"`
	KubeVersion string              `arg:"kube_version??"`
	SkipCRDs    bool                `arg:"skip_crds??"`
}

// helm is helm(paths, name="", namespace="", values=[], set=[], kube_version="", skip_crds=False): it renders the
// chart in a directory.
func (k *Kubernetes) helm(a helmParameters) (starlark.Value, error) {
	dir := k.evaluation.Absolute(string(a.Chart))
	k.evaluation.AddInput(dir)
	switch info, err := os.Stat(dir); {
	case errors.Is(err, fs.ErrNotExist):
		//lint:ignore ST1005 The words that users of Tilt know.
		return nil, fmt.Errorf("Could not read Helm chart directory %q: does not exist", dir)
	case err != nil:
		return nil, err
	case !info.IsDir() || !isFile(filepath.Join(dir, chartFile)):
		return nil, fmt.Errorf("helm() may only be called on directories with %s: %q", chartFile, dir)
	}
	var values []string
	for _, path := range a.Values {
		values = append(values, k.evaluation.Absolute(path))
		k.evaluation.AddInput(values[len(values)-1])
	}
	k.watchChartDependencies(dir, map[string]bool{})
	rendered, err := k.environ.Run(a.command(dir, values)...)
	if errors.Is(err, exec.ErrNotFound) {
		return nil, errors.New(noHelm)
	}
	if err != nil {
		return nil, err
	}
	rendered = withoutTests(rendered)
	if a.Namespace != "" {
		rendered, err = inNamespace(rendered, a.Namespace)
	}
	return data.Blob(rendered), err
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

// command returns the command that renders the chart in a directory with the files of values.
func (a helmParameters) command(dir string, values []string) []string {
	argv := []string{"helm", "template", cmp.Or(a.Name, "chart"), dir}
	if !a.SkipCRDs {
		argv = append(argv, "--include-crds")
	}
	if a.Namespace != "" {
		argv = append(argv, "--namespace", a.Namespace)
	}
	if a.KubeVersion != "" {
		argv = append(argv, "--kube-version", a.KubeVersion)
	}
	for _, path := range values {
		argv = append(argv, "--values", path)
	}
	for _, setting := range a.Set {
		argv = append(argv, "--set", setting)
	}
	return argv
}

const chartFile = "Chart.yaml"

// watchChartDependencies makes the directories of other charts inputs that a chart depends on by file:// URLs.
func (k *Kubernetes) watchChartDependencies(chart string, seen map[string]bool) {
	seen[chart] = true
	for _, name := range []string{chartFile, "requirements.yaml"} {
		content, err := os.ReadFile(filepath.Join(chart, name))
		if err != nil {
			continue
		}
		for _, dir := range localDependencies(content) {
			if !filepath.IsAbs(dir) {
				dir = filepath.Join(chart, dir)
			}
			k.evaluation.AddInput(dir)
			if !seen[dir] {
				k.watchChartDependencies(dir, seen)
			}
		}
	}
}

// localDependencies returns the directories in the file:// URLs of a Chart.yaml or requirements.yaml. What can't be
// decoded has none: helm reports it.
func localDependencies(content []byte) []string {
	var chart struct {
		Dependencies []struct {
			Repository string `json:"repository"`
		} `json:"dependencies"`
	}
	if yaml.Unmarshal(content, &chart) != nil {
		return nil
	}
	var dirs []string
	for _, dependency := range chart.Dependencies {
		if dir, ok := strings.CutPrefix(dependency.Repository, "file://"); ok {
			dirs = append(dirs, filepath.Clean(dir))
		}
	}
	return dirs
}

var (
	documentSeparator = regexp.MustCompile(`(?m)^---[ \t]*$\n?`)
	// testSource is the comment by which helm says that a document is a test of the chart.
	testSource = regexp.MustCompile(`(?m)^# Source: .*/tests/`)
)

// withoutTests returns the rendered documents that are not tests of the chart.
func withoutTests(rendered string) string {
	if !testSource.MatchString(rendered) {
		return rendered
	}
	var kept []string
	for _, document := range documentSeparator.Split(rendered, -1) {
		if strings.TrimSpace(document) != "" && !testSource.MatchString(document) {
			kept = append(kept, document)
		}
	}
	return strings.Join(kept, "---\n")
}

// inNamespace returns the rendered documents with a namespace in each object that has none, unless its kind is known
// to have no namespace.
func inNamespace(rendered, namespace string) (string, error) {
	objects, err := manifest.Parse([]byte(rendered))
	if err != nil {
		//lint:ignore ST1005 The words that users of Tilt know.
		return "", fmt.Errorf("Error reading yaml from helm: %w", err)
	}
	kustomizing.Lock()
	defer kustomizing.Unlock()
	for i, o := range objects {
		id := manifest.IDOf(o)
		if id.Namespace != "" ||
			openapi.IsCertainlyClusterScoped(kyaml.TypeMeta{APIVersion: id.APIVersion, Kind: id.Kind}) {
			continue
		}
		changed := (&unstructured.Unstructured{Object: o}).DeepCopy()
		changed.SetNamespace(namespace)
		objects[i] = model.Object(changed.Object)
	}
	encoded, err := manifest.Encode(objects)
	return string(encoded), err
}
