// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package run

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/spf13/pflag"

	"tilt.dev/session/pkg/cli/command"
	"tilt.dev/session/pkg/report"
	"tilt.dev/session/pkg/report/github"
	"tilt.dev/session/pkg/report/trace"
)

// format is a form of a report that is a file.
type format struct {
	// flag is the name of the flag for the file, and usage its help.
	flag, usage string
	encode      func(*report.Report) ([]byte, error)
}

// formats are all that there are.
func formats() []format {
	return []format{
		{"report-junit", "write a JUnit XML report to this file at the end, whatever the end is", report.JUnit},
		{"report-json", "write a JSON report to this file at the end; - writes it to stdout, with --quiet", report.JSON},
		{"report-html", "write a page that needs nothing else to this file at the end", page},
		{"report-trace", "write a trace to this file at the end, for Perfetto and chrome://tracing", trace.Encode},
	}
}

// stdoutPath stands for stdout instead of a file.
const stdoutPath = "-"

// reports are the flags for what stays of a run.
type reports struct {
	formats []format
	// paths are the files of the formats, empty for those that aren't asked for.
	paths  []string
	logDir string
	// summary is the file to which a summary for GitHub Actions is appended, empty for none.
	summary string
}

func (r *reports) addFlags(flags *pflag.FlagSet) {
	r.formats = formats()
	r.paths = make([]string, len(r.formats))
	for i, f := range r.formats {
		flags.StringVar(&r.paths[i], f.flag, "", f.usage)
	}
	flags.StringVar(&r.logDir, "log-dir", "",
		"write the output of each resource to RESOURCE.log in this directory, and all of it to all.ndjson")
}

// complete makes paths absolute, and returns an error for each that can't be written.
func (r *reports) complete(quiet bool) (errs []error) {
	users := map[string]string{}
	for i, f := range r.formats {
		path := r.paths[i]
		switch {
		case path == "":
			continue
		case path == stdoutPath && f.flag == "report-json" && quiet:
			continue
		case path == stdoutPath && f.flag == "report-json":
			errs = append(errs, errors.New("--report-json - requires --quiet: the output of the run would mix with it"))
			continue
		}
		path, err := filepath.Abs(path)
		if err == nil {
			err = report.CheckFile(path)
		}
		if other := users[path]; err == nil && other != "" {
			err = fmt.Errorf("it is the file of --%s", other)
		}
		users[path] = f.flag
		r.paths[i] = path
		if err != nil {
			errs = append(errs, fmt.Errorf("--%s %s can't be written: %w", f.flag, path, err))
		}
	}
	if r.logDir != "" {
		dir, err := filepath.Abs(r.logDir)
		if err == nil {
			r.logDir = dir
			err = report.CheckFile(filepath.Join(dir, "all.ndjson"))
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("--log-dir %s can't be written: %w", r.logDir, err))
		}
	}
	return errs
}

// toStdout reports whether a report takes the place of the text on stdout.
func (r *reports) toStdout() bool {
	for _, path := range r.paths {
		if path == stdoutPath {
			return true
		}
	}
	return false
}

// writer writes the reports of a run, once. It is safe for concurrent use.
type writer struct {
	*reports
	program command.Program
	once    sync.Once
	written []string
	err     error
}

// write writes all reports that are asked for, and warns of each that can't be written. It returns the files, and an
// error that names the reports without one, also later.
func (w *writer) write(r *report.Report) (written []string, err error) {
	w.once.Do(func() {
		var failed []string
		for i, f := range w.formats {
			if w.paths[i] == "" {
				continue
			}
			content, err := f.encode(r)
			switch {
			case err != nil:
			case w.paths[i] == stdoutPath:
				_, err = w.program.Streams.Out.Write(harmlessJSON(content))
			default:
				err = report.WriteFile(w.paths[i], content)
			}
			if err != nil {
				w.program.Warn(fmt.Errorf("--%s: %w", f.flag, err))
				failed = append(failed, "--"+f.flag)
			} else if w.paths[i] != stdoutPath {
				w.written = append(w.written, w.paths[i])
			}
		}
		if len(failed) > 0 {
			w.err = fmt.Errorf("%s can't be written", strings.Join(failed, ", "))
		}
		if w.summary != "" {
			if err := github.AppendSummary(w.summary, r); err != nil {
				w.program.Warn(err)
			}
		}
	})
	return w.written, w.err
}

// reportRoot is the directory that a report shows paths relative to: that of the repository that has the Tiltfile, as
// the CI system or git has it, else that of the Tiltfile.
func reportRoot(tiltfile string, getenv func(string) string) string {
	for _, variable := range []string{"GITHUB_WORKSPACE", "CI_PROJECT_DIR"} {
		root := getenv(variable)
		if below, err := filepath.Rel(root, tiltfile); err == nil && filepath.IsAbs(root) && filepath.IsLocal(below) {
			return root
		}
	}
	own := filepath.Dir(tiltfile)
	for dir := own; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, ".git")); err == nil {
			return dir
		}
		if dir == filepath.Dir(dir) {
			return own
		}
	}
}
