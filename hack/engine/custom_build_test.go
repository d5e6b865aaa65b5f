// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build engine

package engine

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"tilt.dev/session/pkg/image"
	"tilt.dev/session/pkg/model"
)

// custom is an image that a shell script makes.
func (f *fixture) custom(script string) *model.ImageBuild {
	return &model.ImageBuild{Image: f.name, Custom: &model.CustomBuild{
		Command: model.Command{Argv: []string{"sh", "-c", script}, Dir: f.dir, Env: []string{"OWN=1"}},
	}}
}

// build makes an image under a reference.
const buildScript = `printf 'FROM scratch\nCOPY app /app\nENV A=%s\n' "$OWN" | docker build -q -f - . -t `

func TestCustomBuild(t *testing.T) {
	f := newFixture(t, image.Options{})
	base := f.must(f.dockerfile(basic))
	base.Output = nil
	custom := f.custom(`echo "deps $TILT_IMAGE_0 $TILT_IMAGE_MAP_0"; echo "$EXPECTED_IMAGE:$EXPECTED_TAG" = $EXPECTED_REF; ` +
		buildScript + `$EXPECTED_REF`)
	custom.Image += "-custom"
	custom.Bases = []string{f.name}
	r := f.must(custom)
	f.contains(r.log, "Custom Build: Injecting Environment Variables\n  EXPECTED_REF="+custom.Image+":tilt-build-",
		"deps "+f.images[f.name].Ref+" "+strings.ReplaceAll(f.name, "/", "_"))
	if !regexp.MustCompile(regexp.QuoteMeta(custom.Image) + `:tilt-[0-9a-f]{16}$`).MatchString(r.ref()) {
		t.Errorf("the reference is %q", r.ref())
	}
	if again := f.must(custom); again.ref() != r.ref() {
		t.Errorf("%q became %q", r.ref(), again.ref())
	}
	if left := f.docker("image", "ls", "--filter", "reference="+custom.Image+":tilt-build-*", "-q"); left != "" {
		t.Errorf("temporary tags are left: %s", left)
	}

	if r := f.build(f.custom("echo oops; exit 7")); r.Error != `Custom build "echo oops; exit 7" failed: exit status 7` || *r.Code != 7 {
		t.Errorf("%+v", r.End)
	}
	if r := f.build(f.custom("true")); !strings.HasPrefix(r.Error, "Could not find image in Docker: "+f.name+":tilt-build-") {
		t.Error(r.Error)
	}
}

func TestCustomBuildTag(t *testing.T) {
	f := newFixture(t, image.Options{})
	custom := f.custom(buildScript + f.name + ":fixed")
	custom.Custom.Tag = "fixed"
	r := f.must(custom)
	f.contains(r.log, "EXPECTED_REF="+f.name+":fixed", "EXPECTED_TAG=fixed")
	if !strings.HasPrefix(r.ref(), f.name+":tilt-") || !strings.Contains(f.docker("image", "ls", f.name), "fixed") {
		t.Errorf("the reference is %q", r.ref())
	}
	custom.Custom.SkipsLocalDocker = true
	custom.Custom.Command.Argv = []string{"true"}
	if r := f.must(custom); r.ref() != f.name+":fixed" {
		t.Errorf("the reference is %q", r.ref())
	}
}

func TestCustomBuildOutput(t *testing.T) {
	f := newFixture(t, image.Options{})
	file := filepath.Join(t.TempDir(), "ref")
	custom := f.custom(buildScript + f.name + ":mine && echo " + f.name + ":mine >" + file)
	custom.Custom.OutputsRefTo = file
	if r := f.must(custom); r.ref() != f.name+":mine" {
		t.Errorf("the reference is %q", r.ref())
	}
	custom.Custom.Command.Argv = []string{"true"}
	if r := f.build(custom); r.Error != "Could not find image ref in output. Your custom_build script should have written to "+file {
		t.Error(r.Error)
	}
	custom.Custom.Command.Argv = []string{"sh", "-c", "echo " + f.name + ":none >" + file}
	if r := f.build(custom); !strings.HasPrefix(r.Error, "Could not find image in Docker: "+f.name+":none, as file ") {
		t.Error(r.Error)
	}
	custom.Custom.SkipsLocalDocker = true
	if r := f.must(custom); r.ref() != f.name+":none" {
		t.Error(r.ref())
	}
}

// A program that is named kind stands for kind: what it's given and that it's called once is what matters here.
func TestLoad(t *testing.T) {
	f := newFixture(t, image.Options{
		Node: func(context.Context, *model.Cluster) (image.Node, error) {
			return image.Node{Platform: "linux/amd64", Runtime: "containerd://2.1.0"}, nil
		},
		Registry: func(context.Context, *model.Cluster) (*model.Registry, string, error) {
			return nil, "no ConfigMap local-registry-hosting", nil
		},
	})
	bin := t.TempDir()
	if err := os.WriteFile(bin+"/kind", []byte("#!/bin/sh\necho kind \"$@\"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	f.env = append(f.env, "PATH="+bin+":"+os.Getenv("PATH"))
	build := f.dockerfile(basic)
	build.Deployed = true
	build.Cluster = &model.Cluster{Context: "kind-dev", Name: "kind-dev", Product: model.ProductKind}
	r := f.must(build)
	f.contains(r.log, "for linux/amd64",
		"Loading "+r.ref()+" to kind dev: the cluster has no registry: no ConfigMap local-registry-hosting\n"+
			"  → kind load docker-image "+r.ref()+" --name dev")
	if again := f.must(build); again.ref() != r.ref() || strings.Contains(again.log, "→ kind") {
		t.Error(again.log)
	}
	build.Registry = &model.Registry{Host: "127.0.0.1:1", HostFromCluster: "registry:5000"}
	pushed := f.build(build)
	f.contains(pushed.log, "Pushing 127.0.0.1:1/"+strings.ReplaceAll(f.name, "/", "_")+":tilt-", ": default_registry()")
	f.contains(pushed.Error, "docker push 127.0.0.1:1/", "refused")
}
