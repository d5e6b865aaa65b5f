// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package tiltfile

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
	"golang.org/x/tools/txtar"

	"tilt.dev/session/pkg/logs"
	"tilt.dev/session/pkg/model"
	"tilt.dev/session/pkg/tiltfile/extension"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var update = flag.Bool("update", false, "write the results into the expectations of testdata")

// sections are the expectations that a case can have.
var sections = []string{"log", "inputs", "ignores", "model", "error"}

// TestScripts evaluates the cases in testdata. An archive has cases, each with a comment on what it shows in the name
// of its first file: "CASE/Tiltfile" and other files "CASE/...", and after them
//
//	CASE: options  lines "args: ...", "env: KEY=value", "subcommand: ...", "context: NAME PRODUCT",
//	               "path: DIRECTORY" for executable files that come first in PATH,
//	               "repository: HOST/PATH" for a directory mirror/HOST/PATH that is a git repository on the network
//	CASE: log      what was printed, warned of and echoed
//	CASE: inputs   the files that the result depends on, checked if the section exists
//	CASE: ignores  the exceptions from the watched files, checked if the section exists
//	CASE: model    the project, see dump
//	CASE: error    the kind and the text of the error
//
// $WORK stands for the directory of the case's files, $PRIVATE for that of blobs. A missing section must be empty.
func TestScripts(t *testing.T) {
	paths, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) { testArchive(t, path, evaluate) })
	}
}

// evaluator returns what comes out of the Tiltfile in a directory, by section.
type evaluator func(t *testing.T, work string, options Options) map[string]string

func testArchive(t *testing.T, path string, evaluate evaluator) {
	archive, err := txtar.ParseFile(path)
	if err != nil {
		t.Fatal(err)
	}
	seen := &txtar.Archive{Comment: archive.Comment}
	for len(archive.Files) > 0 {
		name, _, _ := strings.Cut(archive.Files[0].Name, "/")
		end := slices.IndexFunc(archive.Files, func(f txtar.File) bool {
			return !strings.HasPrefix(f.Name, name+"/") && !strings.HasPrefix(f.Name, name+": ")
		})
		if end < 0 {
			end = len(archive.Files)
		}
		t.Run(name, func(t *testing.T) {
			seen.Files = append(seen.Files, testCase(t, name, archive.Files[:end], evaluate)...)
		})
		archive.Files = archive.Files[end:]
	}
	if *update {
		if err := os.WriteFile(path, txtar.Format(seen), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// testCase runs one case and returns its files with what was seen.
func testCase(t *testing.T, name string, files []txtar.File, evaluate evaluator) []txtar.File {
	work, private := t.TempDir(), t.TempDir()
	given, want := []txtar.File{}, map[string]string{}
	options := Options{
		Subcommand: "up", Argv: []string{"tilt-session", "up"}, Executable: "/bin/tilt-session",
		Runner: execRunner{}, Environ: []string{"PATH=" + os.Getenv("PATH")},
		PrivateDirectory: func() (string, error) { return private, nil },
	}
	for _, f := range files {
		section, ok := strings.CutPrefix(f.Name, name+": ")
		if ok && section != "options" {
			want[section] = string(f.Data)
			continue
		}
		given = append(given, f)
		if ok {
			readOptions(t, work, &options, string(f.Data))
			continue
		}
		writeFile(t, filepath.Join(work, strings.TrimPrefix(f.Name, name+"/")), f.Data)
	}
	got := evaluate(t, work, options)
	for _, section := range sections {
		_, listed := want[section]
		if (section == "inputs" || section == "ignores") && !listed {
			continue
		}
		if diff := cmp.Diff(want[section], got[section]); diff != "" && !*update {
			t.Errorf("%s (-want +got):\n%s", section, diff)
		}
		if got[section] != "" {
			given = append(given, txtar.File{Name: name + ": " + section, Data: []byte(got[section])})
		}
	}
	return given
}

// shown adds the lines of one stream of a command to a log.
type shown struct {
	log  *strings.Builder
	line string
}

func (s *shown) Write(p []byte) (int, error) {
	for line := range strings.Lines(string(p)) {
		if s.line += line; strings.HasSuffix(s.line, "\n") {
			s.log.WriteString(strings.ReplaceAll(s.line, "\r\n", "\n"))
			s.line = ""
		}
	}
	return len(p), nil
}

func (s *shown) Close() error {
	if s.line != "" {
		s.log.WriteString(s.line + "\n")
	}
	return nil
}

// evaluate is the evaluator of whole projects.
func evaluate(t *testing.T, work string, options Options) map[string]string {
	log := record(work, &options)
	project, err := Load(t.Context(), options)
	got := map[string]string{
		"log":     log.String(),
		"inputs":  strings.Join(project.Inputs, "\n") + "\n",
		"ignores": dumpIgnores(project.Ignores),
	}
	if err != nil {
		got["error"] = describeError(t, err)
	} else {
		got["model"] = dump(work, project)
	}
	private, err := options.PrivateDirectory()
	if err != nil {
		t.Fatal(err)
	}
	for section, text := range got {
		got[section] = strings.ReplaceAll(strings.ReplaceAll(text, work, "$WORK"), private, "$PRIVATE")
	}
	return got
}

// record makes an evaluation in a directory write its log to the result.
func record(work string, options *Options) *strings.Builder {
	log := new(strings.Builder)
	options.Path = filepath.Join(work, "Tiltfile")
	options.Log = func(level logs.Level, text string) {
		if level == logs.LevelWarn {
			log.WriteString("WARNING: ")
		}
		log.WriteString(text + "\n")
	}
	options.Output = func() io.WriteCloser { return &shown{log: log} }
	options.Redact = func(secrets []model.Secret) {
		for _, secret := range secrets {
			fmt.Fprintf(log, "REDACT: %s of %s:%s\n", secret.Value, secret.Name, secret.Key)
		}
	}
	return log
}

func readOptions(t *testing.T, work string, options *Options, lines string) {
	lines = strings.ReplaceAll(lines, "$WORK", work)
	for line := range strings.Lines(lines) {
		switch key, value, _ := strings.Cut(strings.TrimSpace(line), ": "); key {
		case "args":
			options.Args = strings.Fields(value)
		case "env":
			options.Environ = append(options.Environ, value)
		case "path":
			dir := filepath.Join(work, value)
			makeExecutable(t, dir)
			t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
			options.Environ = append(options.Environ, "PATH="+os.Getenv("PATH"))
		case "repository":
			makeRepository(t, filepath.Join(work, "mirror", value))
			options.Environ = append(options.Environ, "XDG_DATA_HOME="+filepath.Join(work, "data"),
				extension.MirrorVariable+"=file://"+filepath.Join(work, "mirror"))
		case "subcommand":
			options.Subcommand = value
		case "context":
			name, product, _ := strings.Cut(value, " ")
			options.Cluster = func() (*model.Cluster, error) {
				return &model.Cluster{
					Context: name, Namespace: "ns", Product: model.Product(product), Kubeconfig: "/frozen/kubeconfig",
				}, nil
			}
		default:
			t.Fatalf("unknown option: %s", line)
		}
	}
}

// makeExecutable makes programs of the files in a directory.
func makeExecutable(t *testing.T, dir string) {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, "*"))
	for _, path := range paths {
		err = errors.Join(err, os.Chmod(path, 0o755))
	}
	if err != nil {
		t.Fatal(err)
	}
}

// makeRepository commits what is in a directory. The name of the commit follows from the files alone.
func makeRepository(t *testing.T, dir string) {
	t.Helper()
	for _, args := range []string{"init -q -b main", "add .", "commit -q -m first", "tag v1"} {
		command := exec.Command("git", strings.Fields(args)...)
		command.Dir = dir
		command.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1",
			"GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@b", "GIT_AUTHOR_DATE=2026-01-02T03:04:05Z",
			"GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@b", "GIT_COMMITTER_DATE=2026-01-02T03:04:05Z")
		if out, err := command.CombinedOutput(); err != nil {
			t.Fatalf("git %s: %v: %s", args, err, out)
		}
	}
}

func writeFile(t testing.TB, path string, data []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
}

// describeError returns the kind of an error and its text.
func describeError(t *testing.T, err error) string {
	failure := new(Error)
	if !errors.As(err, &failure) {
		t.Fatalf("got a %T, want an *Error: %v", err, err)
	}
	kind := map[Kind]string{
		KindEvaluation: "evaluation", KindMissing: "missing", KindUnreadable: "unreadable",
		KindSyntax: "syntax", KindResources: "resources", KindCanceled: "canceled",
	}[failure.Kind]
	return fmt.Sprintf("%s:\n%s\n", kind, failure.Text)
}
