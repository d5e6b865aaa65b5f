// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// jobs are commands that end, some with things left behind.
var jobs = []string{
	"true",
	"sleep 0.2",
	"sleep 300",
	"sleep 300 & true",
	"setsid sleep 300 & true",
	"(setsid sh -c 'trap \"\" TERM HUP; sleep 300 & sleep 300' >/dev/null 2>&1 &) ; sleep 0.1",
	"trap '' TERM INT HUP; sleep 300; sleep 300",
	"head -c 3000000 /dev/zero",
	"yes | head -c 5000000",
	"yes",
	"for i in 1 2 3 4 5 6 7 8 9; do (sleep 300 &); (setsid sleep 300 &); done",
	"printf 'no end'; sleep 0.1; printf '\\xff\\0'; exec sleep 0.3",
	"sleep 0.3; false",
	"kill -KILL $$",
}

// servers are commands that go on.
var servers = []string{
	"exec $SOAK_SERVER serve",
	"exec $SOAK_SERVER serve -stubborn",
	"$SOAK_SERVER serve -stubborn & $SOAK_SERVER serve",
	"setsid $SOAK_SERVER serve & exec sleep 300",
	"(setsid $SOAK_SERVER serve -stubborn &) ; exec $SOAK_SERVER serve",
	"trap '' TERM; while :; do sleep 0.05; done",
	"trap 'setsid sleep 300 & exit' TERM; while :; do sleep 0.01; done",
	"while :; do (sleep 0.2 &); (setsid sleep 0.2 &); sleep 0.02; done",
	"while :; do echo 0123456789 0123456789 0123456789; done",
	"sleep 0.2",
	"exec sleep 300",
}

// probes are readiness probes.
var probes = []string{
	"",
	"",
	"exec=exec_action(['true'])",
	"exec=exec_action(['false'])",
	"exec=exec_action(['sh', '-c', 'sleep 300 & setsid sleep 300 & sleep 300'])",
	"tcp_socket=tcp_socket_action(1)",
}

// locals are commands of the Tiltfile itself.
var locals = []string{
	"true",
	"sleep 0.2",
	"sleep 300",
	"trap \\'\\' TERM; sleep 300",
	"sleep 300 & setsid sleep 300 >/dev/null 2>&1 & sleep 0.1",
	"seq 100000",
}

// newTiltfile returns the text of a random Tiltfile.
func newTiltfile(r *rand.Rand) string {
	var text strings.Builder
	fmt.Fprintf(&text, "update_settings(max_parallel_updates=%d)\n", 1+r.IntN(8))
	if r.IntN(3) == 0 {
		fmt.Fprintf(&text, "local('%s', quiet=True)\n", pick(r, locals))
	}
	for i := range 1 + r.IntN(6) {
		fmt.Fprintf(&text, "local_resource('r%d', allow_parallel=%s", i, pick(r, []string{"True", "False"}))
		job := r.IntN(3) > 0
		if job {
			fmt.Fprintf(&text, ", cmd=%s", quote(pick(r, jobs)))
		}
		if !job || r.IntN(3) == 0 {
			fmt.Fprintf(&text, ", serve_cmd=%s", quote(pick(r, servers)))
			if probe := pick(r, probes); probe != "" {
				fmt.Fprintf(&text, ", readiness_probe=probe(period_secs=1, %s)", probe)
			}
			if r.IntN(4) == 0 {
				text.WriteString(", restart='on-failure'")
			}
		}
		if i > 0 && r.IntN(4) == 0 {
			fmt.Fprintf(&text, ", resource_deps=['r%d']", r.IntN(i))
		}
		text.WriteString(", deps=['files'])\n")
	}
	return text.String()
}

// quote makes a text a string of the Tiltfile's language.
func quote(text string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(text) + "'"
}
