// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package tiltfile

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tilt.dev/session/pkg/kube/manifest"
	"tilt.dev/session/pkg/model"
)

// TestKubernetes evaluates the cases in testdata/kubernetes, which have the form of those of TestScripts.
func TestKubernetes(t *testing.T) {
	paths, err := filepath.Glob("testdata/kubernetes/*.txtar")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) { testArchive(t, path, evaluate) })
	}
}

// TestKubeconfigIsReadOnDemand checks that an evaluation without Kubernetes and commands doesn't ask for the cluster,
// and that another one asks once.
func TestKubeconfigIsReadOnDemand(t *testing.T) {
	for source, want := range map[string]int{
		"local_resource('a', 'x')": 0,
		"local_resource('a', 'x')\nprint(k8s_context(), k8s_namespace(), k8s_context())":          1,
		"local_resource('a', 'x')\nlocal('true')\nlocal('true')":                                  1,
		"k8s_yaml(blob('{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}'))\nk8s_context()": 1,
	} {
		calls := 0
		options := tiltfile(t, source)
		options.Cluster = func() (*model.Cluster, error) {
			calls++
			return nil, nil
		}
		if _, err := Load(t.Context(), options); err != nil {
			t.Error(err)
		}
		if calls != want {
			t.Errorf("%s: asked %d times, want %d", source, calls, want)
		}
	}
}

// dumpDeployed describes a Kubernetes resource, without what is the default.
func dumpDeployed(b *strings.Builder, work string, r model.Resource) {
	deploy, ok := r.Update.(*model.Deploy)
	if !ok {
		return
	}
	if deploy.Cluster != nil {
		fmt.Fprintf(b, "  to %s %s\n", deploy.Cluster.Context, deploy.Cluster.Namespace)
	}
	for _, o := range deploy.Objects {
		fmt.Fprintf(b, "  object: %s\n", manifest.IDOf(o))
	}
	if deploy.Custom != nil {
		dumpCommand(b, work, "apply", &deploy.Custom.Apply)
		dumpCommand(b, work, "delete", &deploy.Custom.Delete)
	}
	for _, use := range deploy.Images {
		fmt.Fprintf(b, "  image: %s\n", use.Image)
		dumpUse(b, use)
	}
	if deploy.Timeout != 30*time.Second || deploy.Apply != model.ApplyAuto {
		fmt.Fprintf(b, "  within %v, apply %s\n", deploy.Timeout, deploy.Apply)
	}
	workload := r.Runtime.(*model.Workload)
	if workload.Readiness != model.PodReadinessWait {
		fmt.Fprintf(b, "  readiness: %s\n", workload.Readiness)
	}
	for _, labels := range workload.PodSelectors {
		fmt.Fprintf(b, "  pods: %v\n", labels)
	}
	if workload.SelectorsOnly {
		fmt.Fprintf(b, "  pods by selectors only\n")
	}
	for _, p := range workload.PortForwards {
		fmt.Fprintf(b, "  forward: %q %d to %d %q %q\n", p.Host, p.Local, p.Container, p.Name, p.Path)
	}
	for _, l := range r.LiveUpdates {
		dumpLiveUpdate(b, &l)
	}
}

func dumpUse(b *strings.Builder, use model.ImageUse) {
	if use.MatchExact {
		fmt.Fprintf(b, "    exactly\n")
	}
	if use.MatchInEnvVars {
		fmt.Fprintf(b, "    in the environment\n")
	}
	if use.Command != nil {
		fmt.Fprintf(b, "    command: %q\n", use.Command)
	}
	if use.Args != nil {
		fmt.Fprintf(b, "    args: %q\n", use.Args)
	}
	for _, l := range use.Locators {
		fmt.Fprintf(b, "    at %+v: ", l.Selector)
		if l.Object != nil {
			fmt.Fprintf(b, "%+v\n", *l.Object)
		} else {
			fmt.Fprintf(b, "%s\n", l.Path)
		}
	}
}

// TestFaultyKubeconfig checks that a kubeconfig that can't be read is an error only for what needs it.
func TestFaultyKubeconfig(t *testing.T) {
	for source, want := range map[string]string{
		"local('true')\nlocal_resource('a', 'x')": "",
		"k8s_context()":   "Error in k8s_context: read the kubeconfig: it is faulty",
		"k8s_namespace()": "Error in k8s_namespace: read the kubeconfig: it is faulty",
		"k8s_yaml(blob('{apiVersion: v1, kind: Pod, metadata: {name: a}}'))": "read the kubeconfig: it is faulty",
	} {
		options := tiltfile(t, source)
		options.Cluster = func() (*model.Cluster, error) { return nil, errors.New("it is faulty") }
		_, err := Load(t.Context(), options)
		switch {
		case want != "":
			requireError(t, err, KindEvaluation, want)
		case err != nil:
			t.Errorf("%s: %v", source, err)
		}
	}
}

// TestMissingPrograms evaluates Tiltfiles without helm, kustomize and kubectl on PATH.
func TestMissingPrograms(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	for source, want := range map[string]string{
		"helm('.')": "Error in helm: Unable to find Helm installation. " +
			"Make sure `helm` is on your $PATH.",
		"kustomize('.', flags=['--a'])": "Error in kustomize: kustomize() with flags needs kustomize or kubectl on your $PATH",
	} {
		options := tiltfile(t, source)
		writeFile(t, filepath.Join(filepath.Dir(options.Path), "Chart.yaml"), nil)
		_, err := Load(t.Context(), options)
		requireError(t, err, KindEvaluation, want)
	}
}
