// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package kubeconfig

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"k8s.io/client-go/tools/clientcmd"
)

// TestRunning lists an entry of ours, one of a process that has ended, one of another program, and contexts that are
// no entries.
func TestRunning(t *testing.T) {
	l := locationWith(t, stale(t, 10999, process{PID: os.Getpid(), Started: "earlier"}))
	config, err := clientcmd.LoadFromFile(l.Files[0])
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"tilt-x", "mine", "tilt-11000"} {
		config.Contexts[name] = config.Contexts["tilt-10999"].DeepCopy()
		config.Contexts[name].Extensions = nil
	}
	config.Contexts["tilt-11001"] = config.Contexts["mine"].DeepCopy()
	config.Contexts["tilt-11001"].Cluster = "nothing"
	if err := clientcmd.WriteToFile(*config, l.Files[0]); err != nil {
		t.Fatal(err)
	}
	// Adding an entry drops that of the process that has ended, so this is looked at first.
	wantRunning(t, l, "tilt-11000 11000 0 ")
	ours := entry(10350)
	ours.Tiltfile = "/src/Tiltfile"
	add(t, l, ours)
	wantRunning(t, l, fmt.Sprintf("tilt-default 10350 %d /src/Tiltfile", os.Getpid()))
	wantRunning(t, emptyLocation(t))
	if _, err := locationWith(t, "no: [kubeconfig").Running(); err == nil {
		t.Error("a file that isn't a kubeconfig is no error")
	}
}

func wantRunning(t *testing.T, l Location, want ...string) {
	t.Helper()
	running, err := l.Running()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range running {
		got = append(got, fmt.Sprintf("%s %d %d %s", r.Name, r.Port, r.PID, r.Tiltfile))
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%q, want\n%q", got, want)
	}
}

// TestEnd ends a process that owns an entry, and does nothing to one that has ended.
func TestEnd(t *testing.T) {
	l := emptyLocation(t)
	owner := readyChild(t, "own", l)
	running, err := l.Running()
	if err != nil || len(running) != 1 || running[0].PID != owner.Process.Pid {
		t.Fatalf("%+v, %v", running, err)
	}
	if err := running[0].End(); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() bool { return !running[0].Alive() })
	if err := running[0].End(); err != nil {
		t.Error(err)
	}
}
