// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"tilt.dev/session/hack/bench/child"
)

// parallel is how many jobs run at a time, where a program has such a limit.
const parallel = 8

// workload is a number of jobs, each of which runs "sh -c true".
type workload struct {
	jobs int
	// chain has each job wait for the one before.
	chain bool
}

func (w workload) String() string {
	if w.chain {
		return fmt.Sprintf("chain=%d", w.jobs)
	}
	return fmt.Sprintf("jobs=%d", w.jobs)
}

const (
	reference = "ours"
	openName  = "ours-kubeconfig-open"
)

// contender is a program to compare.
type contender struct {
	name string
	// command writes what the program reads into dir and says how to run it.
	command func(o *options, w workload, dir string) (child.Command, error)
	// can says whether the program can do some work, in every case if nil.
	can func(w workload) bool
}

func (o *options) contenders() []contender {
	all := []contender{{name: reference, command: ours}}
	if o.open {
		all = append(all, contender{name: openName, command: ours})
	}
	all = append(all, contender{name: "xargs", command: xargs})
	if o.processCompose != "" {
		all = append(all, contender{name: "process-compose", command: processCompose})
	}
	return append(all, contender{name: "sh", command: shell, can: func(w workload) bool { return w.jobs == 1 }})
}

// kubeconfig is the file that a run enters its server into.
func kubeconfig(dir string) string { return filepath.Join(dir, "tilt-config") }

// ours is "tilt-session ci", which also serves its API.
func ours(o *options, w workload, dir string) (child.Command, error) {
	var tiltfile strings.Builder
	fmt.Fprintf(&tiltfile, "update_settings(max_parallel_updates=%d)\nfor i in range(%d):\n", parallel, w.jobs)
	after := "[]"
	if w.chain {
		after = "['job-%d' % (i - 1)] if i else []"
	}
	fmt.Fprintf(&tiltfile,
		"    local_resource('job-%%d' %% i, cmd='true', allow_parallel=True, resource_deps=%s)\n", after)
	return child.Command{
		Args: []string{o.bin, "ci", "--port", "0"},
		Env:  []string{"HOME=" + dir, "TILT_CONFIG=" + kubeconfig(dir), "TILT_HOST="},
	}, os.WriteFile(filepath.Join(dir, "Tiltfile"), []byte(tiltfile.String()), 0o600)
}

// xargs runs a chain as one job after the other.
func xargs(_ *options, w workload, dir string) (child.Command, error) {
	input := filepath.Join(dir, "jobs")
	atOnce := parallel
	if w.chain {
		atOnce = 1
	}
	return child.Command{
		Args:  []string{"xargs", fmt.Sprintf("-P%d", atOnce), "-n1", "sh", "-c", "true"},
		Input: input,
	}, os.WriteFile(input, []byte(strings.Repeat("job\n", w.jobs)), 0o600)
}

// processCompose has no limit of jobs at a time. It serves its API too, on a
// socket in dir.
func processCompose(o *options, w workload, dir string) (child.Command, error) {
	var file strings.Builder
	file.WriteString("version: \"0.5\"\nshell:\n  shell_command: sh\n  shell_argument: -c\nprocesses:\n")
	for i := range w.jobs {
		fmt.Fprintf(&file, "  job-%d:\n    command: \"true\"\n", i)
		if w.chain && i > 0 {
			fmt.Fprintf(&file, "    depends_on:\n      job-%d:\n        condition: process_completed_successfully\n", i-1)
		}
	}
	name := filepath.Join(dir, "process-compose.yaml")
	return child.Command{
		Args: []string{o.processCompose, "--tui=false", "--config", name,
			"--log-file", filepath.Join(dir, "process-compose.log"),
			"--use-uds", "--unix-socket", filepath.Join(dir, "socket")},
		Env: []string{"HOME=" + dir, "XDG_CONFIG_HOME="},
	}, os.WriteFile(name, []byte(file.String()), 0o600)
}

// shell shows what one job costs at least, and the smallest peak of memory that
// can be measured: that of this program, which the kernel counts for what it
// starts.
func shell(*options, workload, string) (child.Command, error) {
	return child.Command{Args: []string{"sh", "-c", "true"}}, nil
}
