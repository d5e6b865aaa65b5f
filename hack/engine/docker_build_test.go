// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build engine

package engine

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"tilt.dev/session/pkg/image"
	"tilt.dev/session/pkg/model"
)

const basic = "FROM scratch\nCOPY app /app\nENTRYPOINT [\"/app\", \"print\", \"hello\"]\n"

func TestBuild(t *testing.T) {
	f := newFixture(t, image.Options{})
	first := f.must(f.dockerfile(basic))
	if !regexp.MustCompile(`:tilt-[0-9a-f]{16}$`).MatchString(first.ref()) {
		t.Errorf("the tag is %q", first.ref())
	}
	f.contains(first.log, "Building "+f.name, "load build context [", "[1/1] COPY app /app [", "Built "+first.ref(),
		"Skipping push: only other images use it")
	if strings.Contains(first.log, "\x1b") {
		t.Errorf("the log has control sequences: %q", first.log)
	}
	f.contains(f.docker("run", "--rm", first.ref()), "print hello")
	f.contains(f.docker("image", "inspect", first.ref()), `"dev.tilt.built": "true"`, `"dev.tilt.gc": "true"`)

	again := f.must(f.dockerfile(basic))
	if again.ref() != first.ref() {
		t.Errorf("%q is built again as %q", first.ref(), again.ref())
	}
	f.contains(again.log, "COPY app /app [cached]")
	other := f.must(f.dockerfile(basic + "ENV A=b\n"))
	if other.ref() == first.ref() {
		t.Errorf("another image has the same tag, %q", first.ref())
	}
	if left := f.docker("image", "ls", "--filter", "reference="+f.name+":tilt-build-*", "-q"); left != "" {
		t.Errorf("temporary tags are left: %s", left)
	}
}

// Neither the time of a build nor its cache changes the tag.
func TestTagIsOfContent(t *testing.T) {
	f := newFixture(t, image.Options{})
	first := f.must(f.dockerfile(basic))
	f.env = append(f.env, "SOURCE_DATE_EPOCH=1")
	f.docker("image", "rm", "-f", first.ref())
	build := f.dockerfile(basic + "ARG UNUSED\n")
	build.Docker.BuildArgs = []string{"UNUSED=1"}
	if again := f.must(build); again.ref() != first.ref() {
		t.Errorf("%q is built again as %q", first.ref(), again.ref())
	}
}

func TestBases(t *testing.T) {
	f := newFixture(t, image.Options{})
	base := f.dockerfile(basic)
	base.Image += "-base"
	middle := f.dockerfile("ARG BASE=" + base.Image + "\nFROM $BASE\nENV A=b\n")
	middle.Image += "-middle"
	middle.Bases = []string{base.Image}
	top := f.dockerfile("FROM " + middle.Image + " AS m\nFROM scratch\nCOPY --from=" + base.Image + " /app /app\n" +
		"RUN --mount=from=" + middle.Image + ",target=/m [\"/app\", \"list\", \"/m\"]\n")
	top.Bases = []string{base.Image, middle.Image}
	top.Docker.Pull = true

	if r := f.build(top); r.Error != `image "`+middle.Image+`", which the Dockerfile uses, isn't built` &&
		r.Error != `image "`+base.Image+`", which the Dockerfile uses, isn't built` {
		t.Error(r.Error)
	}
	f.must(base)
	f.must(middle)
	r := f.must(top)
	f.contains(r.log, "  → file /m/app", "COPY --from="+f.images[base.Image].Ref)
	top.Bases = append(top.Bases, "other")
	if r := f.build(top); r.Error != `the Dockerfile doesn't use image "other", which it depends on` {
		t.Error(r.Error)
	}
}

func TestContext(t *testing.T) {
	list := "FROM scratch\nCOPY . /c\nRUN [\"/c/app\", \"list\", \"/c\"]\n"
	for name, test := range map[string]struct {
		ignore, perFile string
		sets            [][]string
		want            string
	}{
		"all":                {want: ".dockerignore app dir/a dir/b dir/sub/c x.txt y.txt"},
		"dockerignore":       {ignore: "*.txt\n!y.txt\n.dockerignore\n", want: "app dir/a dir/b dir/sub/c y.txt"},
		"of the Dockerfile":  {ignore: "dir\n", perFile: "*.txt\n", want: ".dockerignore app dir/a dir/b dir/sub/c"},
		"ignore":             {sets: [][]string{{"dir/*", "!dir/sub"}}, want: ".dockerignore app dir/sub/c x.txt y.txt"},
		"only":               {sets: [][]string{{"**", "!app", "!dir/sub"}}, want: "app dir/sub/c"},
		"an exception each":  {ignore: "*.txt\n!y.txt\ndir/a\n", sets: [][]string{{"**", "!app", "!dir", "!x.txt"}}, want: "app dir/b dir/sub/c"},
		"only and ignore":    {sets: [][]string{{"dir/sub"}, {"**", "!app", "!dir"}}, want: "app dir/a dir/b"},
		"a wild exception":   {ignore: "**\n!**/a\n!app\n", sets: [][]string{{"x*", "!x.txt"}, {"dir", "!dir/a"}}, want: "app dir/a"},
		"an exception twice": {ignore: "dir/*\n!dir/a\n", sets: [][]string{{"dir/*", "!dir/b"}}, want: ".dockerignore app x.txt y.txt"},
	} {
		for _, classic := range []bool{false, true} {
			if classic && test.ignore == "" {
				continue
			}
			t.Run(map[bool]string{false: "BuildKit/", true: "classic/"}[classic]+name, func(t *testing.T) {
				f := newFixture(t, image.Options{})
				f.name = "tilt-session-test/context"
				if classic {
					f.env = append(f.env, "DOCKER_BUILDKIT=0")
				}
				for _, file := range []string{"x.txt", "y.txt", "dir/a", "dir/b", "dir/sub/c", ".git/HEAD"} {
					f.write(file, file)
				}
				f.write(".dockerignore", test.ignore)
				build := f.dockerfile(list)
				if test.perFile != "" {
					build.Docker.Dockerfile = filepath.Join(t.TempDir(), "Dockerfile.dev")
					if err := os.WriteFile(build.Docker.Dockerfile+".dockerignore", []byte(test.perFile), 0o600); err != nil {
						t.Fatal(err)
					}
				}
				for _, patterns := range test.sets {
					build.Docker.Ignores = append(build.Docker.Ignores, model.IgnoreSet{Base: f.dir, Patterns: patterns})
				}
				r := f.must(build)
				var got []string
				for _, m := range regexp.MustCompile(`(?m)^  → file /c/(.*)$`).FindAllStringSubmatch(r.log, -1) {
					if !classic || m[1] != ".dockerignore" { // The classic builder never has it.
						got = append(got, m[1])
					}
				}
				slices.Sort(got)
				want := strings.TrimPrefix(test.want, map[bool]string{false: "-", true: ".dockerignore "}[classic])
				if strings.Join(got, " ") != want {
					t.Errorf("got %q, want %q\n%s", got, want, r.log)
				}
			})
		}
	}
}

func TestArguments(t *testing.T) {
	f := newFixture(t, image.Options{})
	secret := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(secret, []byte("hidden"), 0o600); err != nil {
		t.Fatal(err)
	}
	f.env = append(f.env, "OF_ENVIRON=two")
	build := f.dockerfile("FROM scratch AS one\nCOPY app /app\nARG ONE\nARG OF_ENVIRON\n" +
		"RUN --mount=type=secret,id=token [\"/app\", \"cat\", \"/run/secrets/token\"]\n" +
		"RUN [\"/app\", \"cat\", \"/etc/hosts\"]\nENV ONE=$ONE TWO=$OF_ENVIRON\n" +
		"FROM one\nRUN [\"/app\", \"fail\"]\n")
	build.Docker.Target = "one"
	build.Docker.BuildArgs = []string{"OF_ENVIRON", "ONE=1"}
	build.Docker.Secrets = []string{"id=token,src=" + secret}
	build.Docker.ExtraHosts = []string{"special.host:10.9.8.7"}
	build.Docker.ExtraTags = []string{f.name + ":extra"}
	build.Docker.Network = "none"
	build.Docker.Platform = "linux/amd64"
	build.Docker.CacheFrom = []string{f.name + ":extra"}
	r := f.must(build)
	f.contains(r.log, "cat hidden", "special.host", "for linux/amd64")
	f.contains(f.docker("image", "inspect", f.name+":extra"), "ONE=1", "TWO=two", r.ref())

	empty := f.dockerfile("FROM " + f.name + "\nRUN [\"/app\", \"list\", \"/\"]\nCOPY app /x")
	empty.Bases = []string{f.name}
	empty.Image += "-empty"
	empty.Docker.Context = ""
	if r := f.build(empty); !strings.Contains(r.Error, `"/app"`) && !strings.Contains(r.Error, "app") {
		t.Errorf("%+v", r)
	}
}

func TestFailure(t *testing.T) {
	f := newFixture(t, image.Options{})
	failing := f.dockerfile("FROM scratch\nCOPY app /app\nRUN [\"/app\", \"fail\"]\nRUN [\"/app\", \"print\"]\n")
	r := f.build(failing)
	want := `[2/3] RUN ["/app", "fail"]: process "/app fail" did not complete successfully: exit code: 3`
	if r.Error != want || r.Code == nil || *r.Code != 1 {
		t.Errorf("got %q, code %v", r.Error, r.Code)
	}
	f.contains(r.log, "[2/3] RUN [\"/app\", \"fail\"]\n  → the reason\n", "[2/3] RUN [\"/app\", \"fail\"] [failed]")
	if n := strings.Count(r.log, "did not complete") + strings.Count(r.log, "the reason"); n != 1 {
		t.Errorf("the log says it %d times:\n%s", n, r.log)
	}
	for name, test := range map[string]struct {
		dockerfile, want string
		context          string
	}{
		"a file that isn't there": {dockerfile: "FROM scratch\nCOPY nothing /\n", want: `"/nothing"`},
		"an instruction":          {dockerfile: "FROM scratch\nCOPPY a b\n", want: "unknown instruction: COPPY"},
		"no context":              {dockerfile: basic, context: "/nowhere/at/all", want: "build context: stat /nowhere/at/all"},
		"an image":                {dockerfile: "FROM 127.0.0.1:1/nothing\n", want: "127.0.0.1:1/nothing"},
	} {
		build := f.dockerfile(test.dockerfile)
		if test.context != "" {
			build.Docker.Context = test.context
		}
		if r := f.build(build); !strings.Contains(r.Error, test.want) {
			t.Errorf("%s: got %q\n%s", name, r.Error, r.log)
		}
	}
	f.env = append(f.env, "DOCKER_HOST=unix:///nowhere.sock")
	if r := f.build(f.dockerfile(basic)); !strings.Contains(r.Error, "unix:///nowhere.sock") {
		t.Errorf("got %q\n%s", r.Error, r.log)
	}
	f.env = []string{"PATH=/nowhere"}
	if r := f.build(f.dockerfile(basic)); !strings.HasPrefix(r.Error, "docker isn't in the PATH: install Docker") {
		t.Errorf("got %q", r.Error)
	}
}

// Plain progress and the classic builder show the same.
func TestOtherBuilders(t *testing.T) {
	f := newFixture(t, image.Options{})
	f.env = append(f.env, "DOCKER_BUILDKIT=0")
	r := f.must(f.dockerfile(basic))
	f.contains(r.log, "by docker's classic builder", "[2/5] COPY app /app")
	again := f.must(f.dockerfile(basic))
	if again.ref() != r.ref() {
		t.Errorf("%q became %q", r.ref(), again.ref())
	}
	r = f.build(f.dockerfile("FROM scratch\nCOPY app /app\nRUN [\"/app\", \"fail\"]\n"))
	f.contains(r.log, "  → the reason")
	f.contains(r.Error, "returned a non-zero code: 3")
	secret := f.dockerfile(basic)
	secret.Docker.Secrets = []string{"id=x"}
	if r := f.build(secret); r.Error != "ssh and secret need BuildKit: install the buildx plugin of docker" {
		t.Error(r.Error)
	}
}

func TestStop(t *testing.T) {
	for _, classic := range []bool{false, true} {
		f := newFixture(t, image.Options{})
		if classic {
			f.env = append(f.env, "DOCKER_BUILDKIT=0")
		}
		build := f.dockerfile("FROM scratch\nCOPY app /app\nRUN [\"/app\", \"wait\"]\n")
		a, store := f.start(build)
		deadline := time.Now().Add(time.Minute)
		for !strings.Contains(text(f, store), "waiting") {
			if time.Now().After(deadline) {
				t.Fatal("it isn't there: " + text(f, store))
			}
			time.Sleep(10 * time.Millisecond)
		}
		began := time.Now()
		a.Stop(5 * time.Second)
		<-a.Done()
		if end := a.End(); end.Error != "stopped" || a.Ending() || end.Output != nil {
			t.Errorf("%+v", end)
		}
		if took := time.Since(began); took > 6*time.Second {
			t.Errorf("it took %s", took)
		}
		for processes("/app wait") {
			if time.Now().After(deadline) {
				t.Fatal("the step still runs")
			}
			time.Sleep(50 * time.Millisecond)
		}
	}
}

// processes reports whether a command line runs on this machine.
func processes(commandLine string) bool {
	files, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, file := range files {
		data, _ := os.ReadFile(file)
		if strings.TrimRight(strings.ReplaceAll(string(data), "\x00", " "), " ") == commandLine {
			return true
		}
	}
	return false
}
