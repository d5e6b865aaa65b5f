// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == serverMode {
		serve(os.Args[2:])
	}
	os.Exit(m.Run())
}

// A short soak.
func TestSoak(t *testing.T) {
	bin := filepath.Join(t.TempDir(), "tilt-session")
	build := exec.Command("go", "build", "-ldflags=-s -w", "-o", bin, "tilt.dev/session/cmd/tilt-session")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	var out strings.Builder
	err := soak(t.Context(), []string{"-bin", bin, "-runs", "10", "-parallel", "4"}, &out)
	t.Log(out.String())
	if err != nil {
		t.Error(err)
	}
}

// What's left behind is found.
func TestLeft(t *testing.T) {
	r := newRun("", t.TempDir(), 1)
	r.plan = plan{command: "ci"}
	for _, dir := range []string{"tmp/x", "ports", "home/.tilt-dev"} {
		if err := os.MkdirAll(r.path(dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if found := r.left(); len(found) > 0 {
		t.Errorf("found %q where there's nothing", found)
	}
	for name, text := range map[string]string{
		"tmp/x/y":               "",
		"home/.tilt-dev/new":    "",
		"home/.tilt-dev/config": "contexts: [{name: c, context: {}}]\nclusters: [{name: d, cluster: {}}]\nusers: [{name: e, user: {}}]\n",
	} {
		if err := os.WriteFile(r.path(name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	server := exec.Command(self, serverMode, "-stubborn")
	server.Env = append(os.Environ(), "X=1", marker+"="+r.dir, portsVariable+"="+r.path("ports"))
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	var ports []os.DirEntry
	for len(ports) == 0 {
		if ports, err = os.ReadDir(r.path("ports")); err != nil {
			t.Fatal(err)
		}
	}
	found := r.left()
	slices.Sort(found)
	want := []string{
		"left cluster d in the kubeconfig", "left context c in the kubeconfig", "left file home/.tilt-dev/new", "left file tmp/x/y",
		fmt.Sprintf("left process %d %q", server.Process.Pid, self+" serve -stubborn"),
		"left something that listens on port " + ports[0].Name(), "left user e in the kubeconfig",
	}
	if !slices.Equal(found, want) {
		t.Errorf("found %q, want %q", found, want)
	}
	if err := r.killLeft(); err != nil {
		t.Error(err)
	}
	if err := server.Wait(); err == nil {
		t.Error("the server has ended by itself")
	}
	if left := r.processes(); len(left) > 0 {
		t.Errorf("%d is left", left)
	}
}

// Seeds lead to the same runs, and to all kinds of them.
func TestPlans(t *testing.T) {
	kinds := map[string]int{}
	for seed := range uint64(500) {
		a, b := newRun("", "", seed), newRun("", "", seed)
		if a.tiltfile != b.tiltfile || a.plan.String() != b.plan.String() {
			t.Fatalf("seed %d leads to different runs", seed)
		}
		kinds[a.plan.String()]++
		if a.plan.command == "up" && len(a.plan.signals) == 0 {
			t.Fatalf("nothing ends the run of seed %d", seed)
		}
	}
	if len(kinds) < 15 {
		t.Errorf("only %q", summary(kinds))
	}
}
