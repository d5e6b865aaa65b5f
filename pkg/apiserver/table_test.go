// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package apiserver_test

import (
	"bytes"
	"net/http"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/cli-runtime/pkg/printers"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	testserver "tilt.dev/session/pkg/testing/server"
)

const acceptTable = "Accept: application/json;as=Table;v=v1;g=meta.k8s.io,application/json"

// TestTable prints what kubectl prints.
func TestTable(t *testing.T) {
	t.Parallel()
	server := testserver.Start(t)
	sessions := server.Clientset(t).TiltV1alpha1().Sessions()
	if _, err := sessions.Create(t.Context(), newSession("pending"), metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	failed, err := sessions.Create(t.Context(), newSession("failed"), metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	failed.Status = v1alpha1.SessionStatus{
		PID: 42, StartTime: metav1.NowMicro(), Done: true, Error: "it broke\nin two lines",
		Targets: []v1alpha1.Target{
			{Name: "a:serve", Type: v1alpha1.TargetTypeServer, State: v1alpha1.TargetState{Active: &v1alpha1.TargetStateActive{Ready: true}}},
			{Name: "b:update", Type: v1alpha1.TargetTypeJob, State: v1alpha1.TargetState{Terminated: &v1alpha1.TargetStateTerminated{Error: "it broke", FinishTime: metav1.NowMicro()}}},
			{Name: "c:update", Type: v1alpha1.TargetTypeJob},
		},
	}
	if _, err := sessions.UpdateStatus(t.Context(), failed, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}

	var table metav1.Table
	newRawClient(t, server).do(http.MethodGet, sessionsPath, nil, acceptTable).want(http.StatusOK, &table)
	for wide, want := range map[bool][]string{
		false: {
			"NAME EXIT CONDITION STATE TARGETS ERROR AGE",
			"failed ci Failed 1/2 it broke 0s",
			"pending ci Pending 0/0 0s",
		},
		true: {
			"NAME EXIT CONDITION STATE TARGETS ERROR AGE TILTFILE PID DURATION",
			"failed ci Failed 1/2 it broke 0s /src/Tiltfile 42 0s",
			"pending ci Pending 0/0 0s /src/Tiltfile",
		},
	} {
		var printed bytes.Buffer
		if err := printers.NewTablePrinter(printers.PrintOptions{Wide: wide}).PrintObj(&table, &printed); err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(strings.TrimSpace(printed.String()), "\n")
		if len(lines) != len(want) {
			t.Fatalf("wide %v:\n%s", wide, printed.String())
		}
		for i, line := range lines {
			if got := ageless(strings.Join(strings.Fields(line), " ")); got != ageless(want[i]) {
				t.Errorf("wide %v: line %q, want %q", wide, got, ageless(want[i]))
			}
		}
	}
}

// ageless replaces the durations in a line, which depend on the speed of the test.
func ageless(line string) string {
	words := strings.Fields(line)
	for i, word := range words {
		if strings.Trim(word, "0123456789") == "s" {
			words[i] = "Ns"
		}
	}
	return strings.Join(words, " ")
}

func TestWatchOfTables(t *testing.T) {
	t.Parallel()
	server := testserver.Start(t)
	if _, err := server.Clientset(t).TiltV1alpha1().Sessions().Create(t.Context(), newSession("a"), metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	watch := openWatch(t, server, "?watch=true", acceptTable)
	event := watch.next(t)
	if event.Type != "ADDED" || !strings.Contains(string(event.Object), `"kind":"Table"`) || !strings.Contains(string(event.Object), `"Pending"`) {
		t.Errorf("event = %s %s", event.Type, event.Object)
	}
}
