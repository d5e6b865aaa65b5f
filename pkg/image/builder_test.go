// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package image

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
	"k8s.io/utils/clock"

	"tilt.dev/session/pkg/engine"
	"tilt.dev/session/pkg/logs"
	"tilt.dev/session/pkg/model"
	"tilt.dev/session/pkg/process"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// start starts the custom build of an image that never is in a local engine.
func start(t *testing.T, script string, change func(*model.ImageBuild)) (*Builder, engine.Activity, func() string) {
	t.Helper()
	runner, err := process.New(process.Options{})
	if err != nil {
		t.Fatal(err)
	}
	b, err := New(Options{
		Start: runner.Start,
		Registry: func(context.Context, *model.Cluster) (*model.Registry, string, error) {
			return &model.Registry{Host: "localhost:5005", HostFromCluster: "registry:5000"}, "ConfigMap", nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	build := &model.ImageBuild{
		Image: "web", Bases: []string{"base"}, Deployed: true, Cluster: &model.Cluster{Name: "kind-x", Product: model.ProductKind},
		Custom: &model.CustomBuild{
			Command:          model.Command{Argv: []string{"sh", "-c", script}, Dir: t.TempDir(), Env: []string{"EXPECTED_TAG=mine", "OWN=1"}},
			SkipsLocalDocker: true,
		},
	}
	if change != nil {
		change(build)
	}
	store := logs.New(1<<20, clock.RealClock{})
	a, err := b.StartUpdate(engine.UpdateRequest{
		Task: "web", Update: build, Environ: os.Environ(), Log: engine.NewLog(store, "web"),
		Images: map[string]model.BuiltImage{"base": {Ref: "base:tilt-1"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		b.Close()
		store.Close()
		if err := runner.Close(); err != nil {
			t.Error(err)
		}
	})
	return b, a, func() string {
		var out bytes.Buffer
		for batch := range store.Read(context.Background(), logs.Selection{}) {
			for line := range batch.Lines() {
				out.WriteString(line.Text + "\n")
			}
		}
		return out.String()
	}
}

func TestCustomBuild(t *testing.T) {
	_, a, log := start(t, `echo "$OWN $EXPECTED_REF $EXPECTED_TAG $REGISTRY_HOST $TILT_IMAGE_0 $TILT_IMAGE_MAP_0"`, nil)
	<-a.Done()
	end := a.End()
	built, ok := end.Output.(model.BuiltImage)
	if end.Error != "" || !ok || !a.Ending() || a.PID() != 0 {
		t.Fatalf("%+v\n%s", end, log())
	}
	tag, found := strings.CutPrefix(built.Ref, "localhost:5005/web:")
	if !found || built.ClusterRef != "registry:5000/web:"+tag || built.BuildStart.IsZero() {
		t.Errorf("%+v", built)
	}
	want := "1 " + built.Ref + " " + tag + " localhost:5005 base:tilt-1 base\nSkipping push: custom_build() configured to handle push itself\n"
	if !strings.HasSuffix(log(), want) {
		t.Errorf("got\n%s, want\n%s", log(), want)
	}
	a.Stop(time.Second) // It does nothing after the end.
}

func TestCustomBuildFails(t *testing.T) {
	for name, test := range map[string]struct {
		script string
		change func(*model.ImageBuild)
		want   string
	}{
		"exit":   {"exit 3", nil, `Custom build "exit 3" failed: exit status 3`},
		"signal": {"kill -9 $$", nil, `Custom build "kill -9 $$" failed: signal: killed`},
		"a base": {"true", func(b *model.ImageBuild) { b.Bases = []string{"other"} }, `image "other", which the build depends on, isn't built`},
		"no output": {"true", func(b *model.ImageBuild) { b.Custom.OutputsRefTo = "/nowhere/x" },
			"Could not find image ref in output. Your custom_build script should have written to /nowhere/x"},
		"no program": {"", func(b *model.ImageBuild) { b.Custom.Command.Argv = []string{"no-such-program"} }, `start no-such-program: exec: "no-such-program": executable file not found in $PATH`},
	} {
		t.Run(name, func(t *testing.T) {
			_, a, _ := start(t, test.script, test.change)
			<-a.Done()
			if end := a.End(); end.Error != test.want || (end.Code != nil) != (name == "exit") || (end.Signal != "") != (name == "signal") {
				t.Errorf("%+v", end)
			}
		})
	}
}

func TestStop(t *testing.T) {
	for name, stop := range map[string]func(*Builder, engine.Activity){
		"at once": func(_ *Builder, a engine.Activity) { a.Stop(0) },
		"shortened": func(_ *Builder, a engine.Activity) {
			a.Stop(time.Hour)
			a.Stop(2 * time.Hour)
			a.Stop(time.Millisecond)
		},
		"close": func(b *Builder, _ engine.Activity) { b.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			b, a, log := start(t, "trap '' TERM; echo runs; while :; do sleep 1; done", nil)
			deadline := time.Now().Add(30 * time.Second)
			for !strings.Contains(log(), "runs\n") {
				if time.Now().After(deadline) {
					t.Fatal(log())
				}
				time.Sleep(time.Millisecond)
			}
			stop(b, a)
			select {
			case <-a.Done():
			case <-time.After(30 * time.Second):
				t.Fatal("it doesn't end")
			}
			if end := a.End(); end.Error != "stopped" || a.Ending() || end.Code != nil {
				t.Errorf("%+v", end)
			}
		})
	}
}

func TestReadReference(t *testing.T) {
	file := filepath.Join(t.TempDir(), "ref")
	for text, want := range map[string]string{
		" web:1\n": "", "web": "has no tag", "Not A:ref": "invalid reference format", "\n": noOutput,
	} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		ref, err := readReference(file)
		if want == "" && (err != nil || ref != "web:1") || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%q: got %q, %v", text, ref, err)
		}
	}
}

func TestNew(t *testing.T) {
	if _, err := New(Options{Program: "buildah"}); err == nil || !strings.Contains(err.Error(), `"buildah"`) {
		t.Error(err)
	}
	b, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.StartUpdate(engine.UpdateRequest{Update: &model.Deploy{}}); err == nil {
		t.Error("a deploy is the build of an image")
	}
	b.Close()
	if _, err := b.StartUpdate(engine.UpdateRequest{Update: &model.ImageBuild{}}); err == nil {
		t.Error("it starts after Close")
	}
}
