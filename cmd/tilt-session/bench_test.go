// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// BenchmarkJobs runs a Tiltfile of very many jobs that do nothing, eight at a time, and beside each run the same
// commands with xargs: "ratio" is how much longer ours take. The API is served meanwhile, as always.
func BenchmarkJobs(b *testing.B) {
	for _, jobs := range []int{100, 1000} {
		b.Run(fmt.Sprintf("jobs=%d", jobs), func(b *testing.B) {
			dir := b.TempDir()
			tiltfile := filepath.Join(dir, "Tiltfile")
			text := fmt.Sprintf("update_settings(max_parallel_updates=8)\nfor i in range(%d):\n"+
				"    local_resource('j%%d' %% i, cmd='true', allow_parallel=True)\n", jobs)
			if err := os.WriteFile(tiltfile, []byte(text), 0o600); err != nil {
				b.Fatal(err)
			}
			var ours, theirs time.Duration
			for b.Loop() {
				ours += timed(b, dir, "tilt-session", "ci", "--port=0", "--file="+tiltfile)
				b.StopTimer()
				theirs += timed(b, dir, "sh", "-c", fmt.Sprintf("seq %d | xargs -P8 -n1 true", jobs))
				b.StartTimer()
			}
			b.ReportMetric(ours.Seconds()/theirs.Seconds(), "ratio")
		})
	}
}

// timed is how long a command takes that succeeds.
func timed(b *testing.B, home, name string, args ...string) time.Duration {
	cmd := exec.Command(name, args...)
	cmd.Env = append(os.Environ(), "HOME="+home, "KUBECONFIG="+filepath.Join(home, "config"))
	begin := time.Now()
	if out, err := cmd.CombinedOutput(); err != nil {
		b.Fatalf("%s: %v\n%s", name, err, out)
	}
	return time.Since(begin)
}
