// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package run

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/utils/clock"

	"tilt.dev/session/pkg/cli/command"
	"tilt.dev/session/pkg/logs"
)

// TestReportsAfterAPanic checks that a panic of the run is in its reports, and goes on.
func TestReportsAfterAPanic(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new", "junit.xml")
	o := &options{file: "/repo/Tiltfile"}
	o.reports.formats, o.reports.paths = formats(), []string{path, "", "", ""}
	end := newEnding(o, command.Program{}, logs.New(1<<20, clock.RealClock{}))
	var panicked any
	func() {
		defer func() { panicked = recover() }()
		defer end.afterPanic()
		panic("broken")
	}()
	content, err := os.ReadFile(path)
	if err != nil || panicked != "broken" || !strings.Contains(string(content), `<error message="panic: broken" type="Error">`) ||
		!strings.HasSuffix(string(content), "</testsuites>\n") {
		t.Errorf("panic %v, %v:\n%s", panicked, err, content)
	}
}

// TestObjectsHaveNoCommands checks that the output of a target is the same in JSON, and no command of GitHub Actions.
func TestObjectsHaveNoCommands(t *testing.T) {
	var b bytes.Buffer
	text := "###[group]x ##[error]y"
	if err := (objects{&b}).encode(map[string]string{"text": text}); err != nil {
		t.Fatal(err)
	}
	var read map[string]string
	if err := json.Unmarshal(b.Bytes(), &read); err != nil || read["text"] != text || strings.Contains(b.String(), "##[") {
		t.Errorf("%v: %s", err, b.String())
	}
}

// TestStderrHasNoCommands checks what is written on stderr in CI systems.
func TestStderrHasNoCommands(t *testing.T) {
	for _, on := range []string{"github", "gitlab", ""} {
		var b bytes.Buffer
		o := &options{ciSystems: ciSystems{
			github: ciSystem{flag: map[bool]string{true: "on"}[on == "github"]},
			gitlab: ciSystem{flag: map[bool]string{true: "on"}[on == "gitlab"]},
		}}
		p := command.Program{Streams: genericiooptions.IOStreams{Out: &b, ErrOut: &b}}
		o.newCILog(&p)
		hostile := command.WithCode(command.ExitUsage, "x\r::error::y\n##[group]\nsection_end:1:z\r\x1b[0K")
		p.Warn(hostile)
		want := map[string]string{
			"github": "x\n: :error::y\n## [group]\nsection_end:1:z\n\x1b[0K",
			"gitlab": "x\x1b[0K\r::error::y\n##[group]\nsection_end:1:z\x1b[0K\r\x1b[0K",
			"":       hostile.Error(),
		}[on]
		if got := b.String(); got != "Warning: "+want+"\n" {
			t.Errorf("%s: got %q", on, got)
		}
		if err := o.ciSystems.harmlessError(p, hostile); err.Error() != want || p.ExitCode(err) != command.ExitUsage {
			t.Errorf("%s: got %q", on, err)
		}
	}
}
