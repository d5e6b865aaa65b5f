// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package image

import (
	"slices"
	"strings"
	"testing"

	"tilt.dev/session/pkg/model"
)

func TestReferences(t *testing.T) {
	for name, test := range map[string]struct {
		image          string
		registry       *model.Registry
		local, cluster string
	}{
		"no registry":  {"web", nil, "web:t", "web:t"},
		"familiar":     {"docker.io/library/web:dev", nil, "web:t", "web:t"},
		"registry":     {"web", &model.Registry{Host: "localhost:5005"}, "localhost:5005/web:t", "localhost:5005/web:t"},
		"escaped":      {"gcr.io/a/b", &model.Registry{Host: "r.io/x"}, "r.io/x/gcr.io_a_b:t", "r.io/x/gcr.io_a_b:t"},
		"port":         {"localhost:5000/a", &model.Registry{Host: "r.io"}, "r.io/localhost_5000_a:t", "r.io/localhost_5000_a:t"},
		"within":       {"r.io/x/web", &model.Registry{Host: "r.io/x", HostFromCluster: "c"}, "r.io/x/web:t", "c/web:t"},
		"from cluster": {"web", &model.Registry{Host: "localhost:5005", HostFromCluster: "reg:5000"}, "localhost:5005/web:t", "reg:5000/web:t"},
		"single name":  {"a/b/web", &model.Registry{Host: "r.io", SingleName: "all"}, "r.io/all:web-t", "r.io/all:web-t"},
	} {
		local, cluster, err := references(test.image, "t", test.registry)
		if err != nil || local != test.local || cluster != test.cluster {
			t.Errorf("%s: got %q, %q, %v", name, local, cluster, err)
		}
	}
	if _, _, err := references("web", "t", &model.Registry{Host: "Not a host"}); err == nil {
		t.Error("a bad registry is no error")
	}
	if got := qualified("web:t"); got != "docker.io/library/web:t" {
		t.Error(got)
	}
}

func TestExpected(t *testing.T) {
	registry := &model.Registry{Host: "localhost:5005", HostFromCluster: "reg:5000"}
	for _, test := range []struct {
		name, tag string
		registry  *model.Registry
		want      string
		cluster   string
	}{
		{"a/web", "", nil, "EXPECTED_REF=a/web:tilt-build-7 EXPECTED_IMAGE=a/web EXPECTED_TAG=tilt-build-7", "a/web:tilt-build-7"},
		{"gcr.io/a/web", "", nil, "EXPECTED_REF=gcr.io/a/web:tilt-build-7 EXPECTED_IMAGE=a/web EXPECTED_TAG=tilt-build-7", "gcr.io/a/web:tilt-build-7"},
		{"web", "", registry, "EXPECTED_REF=localhost:5005/web:tilt-build-7 EXPECTED_IMAGE=web EXPECTED_TAG=tilt-build-7 " +
			"EXPECTED_REGISTRY=localhost:5005 REGISTRY_HOST=localhost:5005", "reg:5000/web:tilt-build-7"},
		{"web", "x", registry, "EXPECTED_REF=web:x EXPECTED_IMAGE=web EXPECTED_TAG=x EXPECTED_REGISTRY=localhost:5005 REGISTRY_HOST=localhost:5005", "web:x"},
	} {
		e, err := expect(&model.ImageBuild{Image: test.name, Custom: &model.CustomBuild{Tag: test.tag}}, test.registry, 7)
		if got := strings.Join(e.variables(test.registry), " "); err != nil || got != test.want || e.cluster != test.cluster {
			t.Errorf("got %s, %q, %v", got, e.cluster, err)
		}
	}
	if got := mapName("gcr.io/a/b%c"); got != "gcr.io_a_b_c" {
		t.Error(got)
	}
}

func TestContentTag(t *testing.T) {
	const image = `[{"Id": "sha256:1", "Created": "2026", "Architecture": "amd64", "Os": "linux", "RootFS": {"Layers": ["sha256:a"]},
		"Config": {"Env": ["A=b"], "Image": "sha256:parent", "Hostname": "x", "Cmd": null, "Labels": {}, "WorkingDir": "/"}}]`
	tag, digest, err := contentTag([]byte(image))
	if err != nil || !strings.HasPrefix(digest, strings.TrimPrefix(tag, "tilt-")) || len(tag) != 21 {
		t.Fatal(tag, digest, err)
	}
	for _, test := range []struct {
		from, to string
		same     bool
	}{
		{`"Id": "sha256:1"`, `"Id": "sha256:2"`, true}, {`"2026"`, `"2027"`, true}, {"sha256:parent", "", true},
		{`"Cmd": null`, `"Cmd": []`, true}, {`, "WorkingDir": "/"`, "", true}, {`, "Labels": {}`, `, "Variant": 1`, true},
		{"sha256:a", "sha256:b", false}, {"A=b", "A=c", false}, {"amd64", "arm64", false}, {`"Cmd": null`, `"Cmd": ["x"]`, false},
	} {
		changed := strings.Replace(image, test.from, test.to, 1)
		if got, _, err := contentTag([]byte(changed)); err != nil || (got == tag) != test.same || changed == image {
			t.Errorf("%q for %q: %v, %v", test.to, test.from, got, err)
		}
	}
	for _, bad := range []string{"", "[]", "{}", "[{},{}]"} {
		if _, _, err := contentTag([]byte(bad)); err == nil {
			t.Errorf("%q is an image", bad)
		}
	}
}

func TestTarget(t *testing.T) {
	own, found := &model.Registry{Host: "own"}, &model.Registry{Host: "found"}
	cluster := func(product model.Product, name string) *model.Cluster {
		return &model.Cluster{Context: name, Name: name, Product: product}
	}
	for name, test := range map[string]struct {
		place
		cluster *model.Cluster
		own     *model.Registry
		custom  *model.CustomBuild
		base    bool
		how     delivery
		to, why string
	}{
		"a base":                {base: true, cluster: cluster(model.ProductKind, "kind-x"), why: "only other images use it"},
		"no cluster":            {why: "no cluster uses it"},
		"kind":                  {cluster: cluster(model.ProductKind, "kind-dev"), how: deliverKind, to: "dev", why: "the cluster has no registry"},
		"kind by default":       {cluster: cluster(model.ProductKind, "kind"), how: deliverKind, to: "kind", why: "the cluster has no registry"},
		"kind and registry":     {place: place{discovered: found, reason: "ConfigMap"}, cluster: cluster(model.ProductKind, "kind-dev"), how: deliverPush, to: "found", why: "ConfigMap"},
		"own registry wins":     {place: place{discovered: found, reason: "ConfigMap"}, own: own, cluster: cluster(model.ProductKind, "kind-dev"), how: deliverPush, to: "own", why: "default_registry()"},
		"k3d":                   {place: place{reason: "no ConfigMap"}, cluster: cluster(model.ProductK3D, "k3d-a"), how: deliverK3d, to: "a", why: "the cluster has no registry: no ConfigMap"},
		"k3s":                   {place: place{k3s: true, runtime: "containerd://2.1-k3s1"}, cluster: cluster("", "default"), how: deliverK3s, why: "this machine is a node of k3s, and no registry is known"},
		"remote k3s":            {place: place{runtime: "containerd://2.1-k3s1"}, cluster: cluster("", "default"), how: deliverPush, why: "no registry is known"},
		"gke":                   {own: own, cluster: cluster(model.ProductGKE, "gke_x"), how: deliverPush, to: "own", why: "default_registry()"},
		"minikube":              {place: place{inMinikube: true, runtime: "docker://28"}, cluster: cluster(model.ProductMinikube, "m"), how: deliverShared, why: "building on cluster's container runtime"},
		"minikube, containerd":  {place: place{runtime: "containerd://2"}, cluster: cluster(model.ProductMinikube, "m"), how: deliverMinikube, to: "m", why: "the cluster has no registry"},
		"docker desktop":        {place: place{engine: "/Users/me/.docker/run/docker.sock"}, cluster: cluster(model.ProductDockerDesktop, "docker-desktop"), how: deliverShared, why: "building on cluster's container runtime"},
		"another engine":        {place: place{engine: "/Users/me/.colima/default/docker.sock"}, cluster: cluster(model.ProductDockerDesktop, "docker-desktop"), how: deliverPush, why: "no registry is known"},
		"by podman":             {place: place{program: ProgramPodman, engine: defaultSocket}, cluster: cluster(model.ProductDockerDesktop, "docker-desktop"), how: deliverPush, why: "no registry is known"},
		"rancher desktop":       {place: place{engine: "/Users/me/.rd/docker.sock", runtime: "docker://28"}, cluster: cluster(model.ProductRancherDesktop, "rancher-desktop"), how: deliverShared, why: "building on cluster's container runtime"},
		"rancher, containerd":   {place: place{program: ProgramNerdctl, runtime: "containerd://2"}, cluster: cluster(model.ProductRancherDesktop, "rancher-desktop"), how: deliverShared, why: "building on cluster's container runtime"},
		"orbstack":              {place: place{engine: defaultSocket}, cluster: cluster(model.ProductOrbStack, "orbstack"), how: deliverShared, why: "building on cluster's container runtime"},
		"colima":                {place: place{engine: "/Users/me/.colima/work/docker.sock"}, cluster: cluster(model.ProductColima, "colima-work"), how: deliverShared, why: "building on cluster's container runtime"},
		"colima, other profile": {place: place{engine: "/Users/me/.colima/work/docker.sock"}, cluster: cluster(model.ProductColima, "colima"), how: deliverPush, why: "no registry is known"},
		"skips_local_docker":    {own: own, custom: &model.CustomBuild{SkipsLocalDocker: true}, cluster: cluster(model.ProductKind, "kind-dev"), how: deliverCommand, to: "own", why: "custom_build() configured to handle push itself"},
		"disable_push":          {custom: &model.CustomBuild{DisablePush: true}, cluster: cluster(model.ProductKind, "kind-dev"), how: deliverCommand, why: "custom_build() configured to handle push itself"},
		"disable_push, shared":  {place: place{engine: defaultSocket}, custom: &model.CustomBuild{DisablePush: true}, cluster: cluster(model.ProductOrbStack, "orbstack"), how: deliverShared, why: "building on cluster's container runtime"},
	} {
		p := test.place
		if p.program == "" {
			p.program = ProgramDocker
		}
		p.image = &model.ImageBuild{Deployed: !test.base, Cluster: test.cluster, Registry: test.own, Custom: test.custom}
		got := p.target()
		to := got.name
		if got.registry != nil {
			to += got.registry.Host
		}
		if got.how != test.how || to != test.to || got.why != test.why {
			t.Errorf("%s: got %+v to %q", name, got, to)
		}
	}
}

func TestCommandLines(t *testing.T) {
	build := model.DockerBuild{
		Target: "t", BuildArgs: []string{"A=b", "C"}, SSH: []string{"default"}, Secrets: []string{"id=x"}, Network: "host", Pull: true,
		ExtraTags: []string{"x:y"}, CacheFrom: []string{"c"}, ExtraHosts: []string{"h:1"}, Platform: "linux/arm64",
	}
	rest := " --label dev.tilt.built=true --label dev.tilt.gc=true --tag x:y --build-arg A=b --build-arg C --target t " +
		"--platform linux/arm64 --network host --add-host h:1 --cache-from c --ssh default --secret id=x --pull"
	for want, tool := range map[string]tool{
		"docker buildx build --load --progress rawjson --file F --tag T":           {program: "docker", buildx: true, rawJSON: true},
		"docker buildx build --load --progress plain --builder b --file F --tag T": {program: "docker", buildx: true, builder: "b"},
		"docker build --progress plain --file F --tag T":                           {program: "docker"},
		"docker build --force-rm --file F --tag T":                                 {program: "docker", classic: true},
		"podman build --ignorefile I --file F --tag T":                             {program: "podman"},
		"nerdctl build --progress plain --file F --tag T":                          {program: "nerdctl"},
	} {
		o := dockerOptions{DockerBuild: build, tool: tool, tag: "T", file: "F", ignoreFile: "I"}
		if got := strings.Join(o.argv(), " "); got != want+rest {
			t.Errorf("got %s", got)
		}
	}
	for text, want := range map[string]bool{
		"github.com/docker/buildx v0.13.1 788433953af1": true, "github.com/docker/buildx 0.13.1+ds1 0.13": true,
		"github.com/docker/buildx v0.9.1": false, "Docker version 1.0": true, "": false,
	} {
		if got := atLeast(text, 0, 13); got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
	script := "export DOCKER_TLS_VERIFY=\"1\"\nexport DOCKER_HOST=\"tcp://1.2.3.4:2376\"\n\n# To point your shell\nexport MINIKUBE_ACTIVE_DOCKERD='m'\n"
	want := []string{"DOCKER_TLS_VERIFY=1", "DOCKER_HOST=tcp://1.2.3.4:2376", "MINIKUBE_ACTIVE_DOCKERD=m"}
	if got := exports(script); !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}
