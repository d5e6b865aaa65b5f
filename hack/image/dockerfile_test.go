// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package image

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/client/llb/sourceresolver"
	"github.com/moby/buildkit/frontend/dockerfile/dockerfile2llb"
	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/linter"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/patternmatcher"
	"github.com/moby/patternmatcher/ignorefile"
	digest "github.com/opencontainers/go-digest"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
)

const (
	root       = "../.."
	dockerfile = root + "/api/deploy/Dockerfile"
)

// baseImages stand for those that the builder would fetch.
type baseImages struct{}

var _ llb.ImageMetaResolver = baseImages{}

// ResolveImageConfig implements llb.ImageMetaResolver.
func (baseImages) ResolveImageConfig(_ context.Context, ref string, _ sourceresolver.Opt) (string, digest.Digest, []byte, error) {
	config := []byte(`{"architecture": "amd64", "os": "linux", "config": {"Env": ["PATH=/usr/local/go/bin:/usr/bin:/bin"]}}`)
	return ref, digest.FromBytes(config), config, nil
}

func read(t *testing.T) []byte {
	t.Helper()
	text, err := os.ReadFile(dockerfile)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// build has BuildKit work out what it would do for a platform.
func build(t *testing.T, text []byte, architecture string, warn linter.LintWarnFunc) (*dockerfile2llb.Result, error) {
	t.Helper()
	options := dockerfile2llb.ConvertOpt{
		MetaResolver:   baseImages{},
		TargetPlatform: &ocispecs.Platform{OS: "linux", Architecture: architecture},
		Warn:           warn,
	}
	options.BuildArgs = map[string]string{"VERSION": "v1.2.3"}
	options.BuildPlatforms = []ocispecs.Platform{{OS: "linux", Architecture: "amd64"}}
	return dockerfile2llb.Dockerfile2LLB(t.Context(), text, options)
}

// lint returns what the linter has to say.
func lint(t *testing.T, text []byte) []string {
	t.Helper()
	var found []string
	_, err := build(t, text, "amd64", func(rule, _, _, message string, location []parser.Range) {
		found = append(found, fmt.Sprintf("%s: %s, at %v", rule, message, location))
	})
	if err != nil {
		found = append(found, err.Error())
	}
	return found
}

func TestLint(t *testing.T) {
	t.Parallel()
	for _, problem := range lint(t, read(t)) {
		t.Error(problem)
	}
}

// The linter finds something where there's something to find.
func TestLintFinds(t *testing.T) {
	t.Parallel()
	for want, change := range map[string][2]string{
		"JSONArgsRecommended": {`ENTRYPOINT ["/tilt-session"]`, "ENTRYPOINT /tilt-session"},
		"UndefinedVar":        {"/out/tilt-session /tilt-session", "$OUT /tilt-session"},
		"BILDPLATFORM":        {"$BUILDPLATFORM", "$BILDPLATFORM"},
		"unknown instruction": {"USER", "USR"},
	} {
		broken := bytes.Replace(read(t), []byte(change[0]), []byte(change[1]), 1)
		if found := strings.Join(lint(t, broken), "\n"); !strings.Contains(found, want) {
			t.Errorf("with %q it finds %q", change[1], found)
		}
	}
}

// What the image is configured with, on every platform, is what the manifests expect.
func TestImage(t *testing.T) {
	t.Parallel()
	text := read(t)
	for _, architecture := range []string{"amd64", "arm64"} {
		result, err := build(t, text, architecture, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := result.Image.Architecture; got != architecture {
			t.Errorf("the image is for %s instead of %s", got, architecture)
		}
		config := result.Image.Config
		if !slices.Equal(config.Entrypoint, []string{"/tilt-session"}) || len(config.Cmd) > 0 {
			t.Errorf("it runs %q with %q", config.Entrypoint, config.Cmd)
		}
		user, _, _ := strings.Cut(config.User, ":")
		if uid, err := strconv.Atoi(user); err != nil || uid == 0 {
			t.Errorf("kubelet can't tell that user %q isn't root", config.User)
		}
	}
}

// The last stage begins with nothing and takes only from those before.
func TestStages(t *testing.T) {
	t.Parallel()
	parsed, err := parser.Parse(bytes.NewReader(read(t)))
	if err != nil {
		t.Fatal(err)
	}
	stages, _, err := instructions.Parse(parsed.AST, nil)
	if err != nil {
		t.Fatal(err)
	}
	last := stages[len(stages)-1]
	if last.BaseName != "scratch" {
		t.Errorf("the image begins with %s", last.BaseName)
	}
	for _, command := range last.Commands {
		if c, ok := command.(*instructions.CopyCommand); ok && c.From == "" {
			t.Errorf("%v is taken from the checkout", c.SourcePaths)
		}
	}
	for _, stage := range stages[:len(stages)-1] {
		if version, ok := strings.CutPrefix(stage.BaseName, "golang:"); !ok || !isGo(version) {
			t.Errorf("it's built by %s, and here by %s", stage.BaseName, runtime.Version())
		}
		for _, command := range stage.Commands {
			if c, ok := command.(*instructions.CopyCommand); ok && c.From == "" {
				checkSources(t, c.SourcePaths)
			}
		}
	}
}

// isGo tells whether a version is one with all its parts, of the Go that tests are run
// with.
func isGo(version string) bool {
	here := strings.Split(strings.TrimPrefix(runtime.Version(), "go"), ".")
	there := strings.Split(version, ".")
	return len(there) == 3 && slices.Equal(there[:2], here[:2])
}

// checkSources has what is copied be there, and be sent to the builder.
func checkSources(t *testing.T, paths []string) {
	t.Helper()
	file, err := os.Open(dockerfile + ".dockerignore")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	patterns, err := ignorefile.ReadAll(file)
	if err != nil {
		t.Fatal(err)
	}
	ignored, err := patternmatcher.New(patterns)
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		if _, err := os.Stat(filepath.Join(root, path)); err != nil {
			t.Error(err)
		}
		if match, err := ignored.MatchesOrParentMatches(path); err != nil || match {
			t.Errorf("%s isn't sent to the builder (%v)", path, err)
		}
	}
	for _, path := range []string{".git", "bin", "hack", "LICENSE"} {
		if match, err := ignored.MatchesOrParentMatches(path); err != nil || !match {
			t.Errorf("%s is sent to the builder (%v)", path, err)
		}
	}
}
