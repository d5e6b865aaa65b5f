// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build engine

package engine

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
	"k8s.io/utils/clock"

	"tilt.dev/session/pkg/engine"
	"tilt.dev/session/pkg/image"
	"tilt.dev/session/pkg/logs"
	"tilt.dev/session/pkg/model"
	"tilt.dev/session/pkg/process"
)

// program is a static program: it lists files, prints what it's given, fails, waits, or is a service.
const program = `package main

import ("fmt"; "io/fs"; "net/http"; "os"; "os/signal"; "path/filepath"; "strconv"; "syscall"; "time")

func main() {
	switch os.Args[1] {
	case "list":
		filepath.WalkDir(os.Args[2], func(path string, e fs.DirEntry, err error) error {
			if err == nil && !e.IsDir() { fmt.Println("file", path) }
			return nil
		})
	case "print":
		for _, arg := range os.Args[2:] { fmt.Println("print", arg) }
	case "cat":
		data, err := os.ReadFile(os.Args[2])
		fmt.Println("cat", string(data), err)
	case "fail":
		fmt.Println("the reason")
		os.Exit(3)
	case "wait":
		fmt.Println("waiting")
		time.Sleep(10 * time.Minute)
	case "serve":
		fmt.Println("serving", os.Args[2:])
		end := make(chan os.Signal, 1)
		signal.Notify(end, syscall.SIGTERM)
		go http.ListenAndServe(":8080", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == "POST" { os.Exit(4) }
			fmt.Fprintln(w, "served")
		}))
		<-end
		fmt.Println("ended")
	case "stubborn":
		signal.Ignore(syscall.SIGTERM)
		fmt.Println("stubborn")
		time.Sleep(10 * time.Minute)
	case "health":
		if _, err := http.Get("http://127.0.0.1:8080/"); err != nil { fmt.Println("not healthy:", err); os.Exit(1) }
	case "exit":
		code, _ := strconv.Atoi(os.Args[2])
		fmt.Println("exiting with", code)
		os.Exit(code)
	case "once": // Fails at the first execution.
		if _, err := os.Stat("/ran"); err != nil { os.WriteFile("/ran", nil, 0o600); os.Exit(1) }
	case "log":
		count, _ := strconv.Atoi(os.Args[2])
		for i := range count {
			out := os.Stdout
			if i % 10 == 0 { out = os.Stderr }
			fmt.Fprintf(out, "line %d\n", i)
		}
	case "oom":
		var kept [][]byte
		for {
			piece := make([]byte, 1<<20)
			for i := range piece { piece[i] = 1 }
			kept = append(kept, piece)
		}
	}
}
`

var programFile string

func TestMain(m *testing.M) {
	os.Exit(run(m))
}

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "engine-test-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	programFile = filepath.Join(dir, "app")
	source := filepath.Join(dir, "main.go")
	if err := os.WriteFile(source, []byte(program), 0o600); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	build := exec.Command("go", "build", "-o", programFile, source)
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "%v: %s", err, out)
		return 1
	}
	code := m.Run()
	removeServiceImage()
	if err := goleak.Find(); code == 0 && err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

// fixture builds images of one test.
type fixture struct {
	*testing.T
	builder *image.Builder
	// dir is the build context, with the program in it.
	dir string
	// name begins the names of images.
	name   string
	env    []string
	images map[string]model.BuiltImage
}

func newFixture(t *testing.T, options image.Options) *fixture {
	t.Helper()
	runner, err := process.New(process.Options{})
	if err != nil {
		t.Fatal(err)
	}
	options.Start = runner.Start
	builder, err := image.New(options)
	if err != nil {
		t.Fatal(err)
	}
	temporary := t.TempDir()
	t.Setenv("TMPDIR", temporary)
	f := &fixture{
		T: t, builder: builder, dir: t.TempDir(), env: os.Environ(), images: map[string]model.BuiltImage{},
		name: fmt.Sprintf("tilt-session-test/%s-%d", strings.ToLower(t.Name()), os.Getpid()),
	}
	t.Cleanup(func() {
		builder.Close()
		if err := runner.Close(); err != nil {
			t.Error(err)
		}
		if left, _ := filepath.Glob(temporary + "/tilt-session-*"); len(left) > 0 {
			t.Errorf("temporary files are left: %q", left)
		}
		ids := f.docker("image", "ls", "-q", "--filter", "reference="+f.name+"*")
		ids += f.docker("image", "ls", "-q", "--filter", "reference=*/"+f.name+"*")
		for id := range strings.FieldsSeq(ids) {
			_ = exec.Command("docker", "image", "rm", "-f", id).Run()
		}
	})
	data, err := os.ReadFile(programFile)
	if err != nil {
		t.Fatal(err)
	}
	f.write("app", string(data))
	return f
}

// write writes a file of the context.
func (f *fixture) write(name, text string) {
	f.Helper()
	path := filepath.Join(f.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		f.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
		f.Fatal(err)
	}
}

// docker runs the client.
func (f *fixture) docker(args ...string) string {
	f.Helper()
	out, err := exec.Command("docker", args...).CombinedOutput()
	if err != nil {
		f.Errorf("docker %q: %v: %s", args, err, out)
	}
	return string(out)
}

// dockerfile is the build of an image of this test.
func (f *fixture) dockerfile(text string) *model.ImageBuild {
	return &model.ImageBuild{Image: f.name, Docker: &model.DockerBuild{Context: f.dir, Contents: text}}
}

// result is the end of a build and its log.
type result struct {
	engine.End
	log string
}

func (r result) ref() string {
	built, _ := r.Output.(model.BuiltImage)
	return built.Ref
}

// build does a build.
func (f *fixture) build(build *model.ImageBuild) result {
	f.Helper()
	a, store := f.start(build)
	select {
	case <-a.Done():
	case <-time.After(time.Minute):
		f.Fatal("the build didn't end")
	}
	r := result{a.End(), text(f, store)}
	if r.Error == "" {
		f.images[build.Image] = r.Output.(model.BuiltImage)
	}
	return r
}

// must does a build that succeeds.
func (f *fixture) must(build *model.ImageBuild) result {
	f.Helper()
	r := f.build(build)
	if r.Error != "" {
		f.Fatalf("%s\n%s", r.Error, r.log)
	}
	return r
}

func (f *fixture) start(build *model.ImageBuild) (engine.Activity, *logs.Store) {
	f.Helper()
	store := logs.New(1<<20, clock.RealClock{})
	f.Cleanup(store.Close)
	a, err := f.builder.StartUpdate(engine.UpdateRequest{
		Task: build.Image, Update: build, Environ: f.env, Log: engine.NewLog(store, build.Image), Images: f.images,
	})
	if err != nil {
		f.Fatal(err)
	}
	return a, store
}

func text(f *fixture, store *logs.Store) string {
	var out bytes.Buffer
	for batch := range store.Read(f.Context(), logs.Selection{Until: closed}) {
		for line := range batch.Lines() {
			fmt.Fprintln(&out, line.Text)
		}
	}
	return out.String()
}

var closed = func() chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}()

// contains checks that a text has lines.
func (f *fixture) contains(text string, wants ...string) {
	f.Helper()
	for _, want := range wants {
		if !strings.Contains(text, want) {
			f.Errorf("%q isn't in\n%s", want, text)
		}
	}
}
