// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build cluster

package cluster

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	appsv1 "k8s.io/api/apps/v1"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
)

// sample is the project of hack/sample, with the port that its page is forwarded to.
type sample struct {
	*project
	page string
}

// workloads are the runtimes of the sample, beside that of its definitions.
var workloads = []string{"shop:runtime", "orders:runtime", "store:runtime", "controller:runtime", "summer:runtime"}

func newSample(t testing.TB) *sample {
	t.Helper()
	s := &sample{project: newProject(t, "")}
	root := os.DirFS("../sample")
	s.ok(fs.WalkDir(root, ".", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil || path == ".":
			return err
		case path == ".bin":
			return fs.SkipDir
		case entry.IsDir():
			return os.Mkdir(filepath.Join(s.directory, path), 0o755)
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		content, err := fs.ReadFile(root, path)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(s.directory, path), content, info.Mode())
	}))
	port := freePort(t)
	s.page = fmt.Sprintf("http://127.0.0.1:%d/", port)
	s.environ = append(s.environ, fmt.Sprintf("SAMPLE_PORT=%d", port))
	return s
}

// shows returns true if the page can be read and has a text.
func (s *sample) shows(text string) bool {
	return strings.Contains(get(s.page), text)
}

// image returns the image that a Deployment of the sample runs.
func (s *sample) image(deployment string) string {
	s.Helper()
	var d appsv1.Deployment
	s.get("deployment/"+deployment, &d)
	return d.Spec.Template.Spec.Containers[0].Image
}

// TestSample is a day with the sample: to green, work on it, and away with it.
func TestSample(t *testing.T) {
	s := newSample(t)

	ci := s.ci()
	ci.wantExit(0, "SUCCESS. All workloads are healthy.")
	for name, resources := range map[string][]string{
		"image:sample/base":       {"controller", "migrate", "orders", "shop", "store"},
		"image:sample/controller": {"controller"},
		"image:sample/orders":     {"orders"},
		"image:sample/store":      {"migrate", "store"},
		"image:sample/web":        {"shop"},
		"migrate:runtime":         {"migrate"},
		"migrate:update":          {"migrate"},
		"shop:runtime":            {"shop"},
		"shop:update":             {"shop"},
		"summer:runtime":          {"summer"},
	} {
		got := target(ci.session(), name)
		slices.Sort(got.Resources)
		if !slices.Equal(got.Resources, resources) || !healthy(got) {
			t.Errorf("target %s: resources %v, want %v; %+v", name, got.Resources, resources, got.State)
		}
		if job := !strings.HasSuffix(name, ":runtime") || name == "migrate:runtime"; job != (got.Type == v1alpha1.TargetTypeJob) {
			t.Errorf("target %s is a %s", name, got.Type)
		}
	}

	pods := s.objects("pods")
	up := s.up()
	up.awaitReady(workloads...)
	s.eventually("the page shows what is sold", func() bool { return s.shows("products: bread, cheese") })
	s.eventually("the page shows the promotion", func() bool { return s.shows("percent off: 20") })
	if again := s.objects("pods"); !slices.Equal(again, pods) {
		t.Errorf("pods were replaced though nothing has changed: %v, before %v", again, pods)
	}

	orders, web := s.image("orders"), s.image("web")
	s.replace("web/main.go", "welcome to the shop", "come in")
	s.eventually("the page shows the edit", func() bool { return s.shows("come in") })
	if s.image("orders") != orders {
		t.Error("an edit of web has changed the image of orders")
	}
	if s.image("web") == web {
		t.Error("an edit of web hasn't changed its image")
	}

	s.replace("base/release", "first", "second")
	s.eventually("all have the new base", func() bool { return s.shows("release: second") && s.image("orders") != orders })
	up.awaitReady(workloads...)

	s.replace("Tiltfile", "replicas=2", "replicas=1")
	s.eventually("orders has one replica", func() bool {
		var d appsv1.Deployment
		s.get("deployment/orders", &d)
		return *d.Spec.Replicas == 1
	})

	up.signal(syscall.SIGINT)
	up.wantExit(0)
	if got := s.objects("deployments"); len(got) != 3 {
		t.Errorf("the end of a run has removed Deployments: %v are left", got)
	}

	s.run(*binary, "down")
	all := "deployments,statefulsets,jobs,services,configmaps,serviceaccounts,roles,rolebindings"
	if got, want := s.objects(all), []string{"configmap/kube-root-ca.crt", "serviceaccount/default"}; !slices.Equal(got, want) {
		t.Errorf("after down there is %v", got)
	}
	if got := s.objects("customresourcedefinitions"); slices.Contains(got, "customresourcedefinition.apiextensions.k8s.io/promotions.sample.tilt.dev") {
		t.Error("after down there is the definition of Promotion")
	}
}
