// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package kubeconfig

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// stale is a file with an entry of a process.
func stale(t *testing.T, port int, owner process) string {
	t.Helper()
	config := clientcmdapi.NewConfig()
	e := entry(port)
	e.put(config)
	if err := owner.own(config.Contexts[e.Name()]); err != nil {
		t.Fatal(err)
	}
	data, err := clientcmd.Write(*config)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestStaleEntries(t *testing.T) {
	me, err := self()
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name  string
		owner process
		kept  bool
	}{
		{"ours", me, true},
		{"pid reused", process{PID: me.PID, Started: "earlier"}, false},
		{"no such pid", process{PID: 1 << 30, Started: me.Started}, false},
		{"no pid", process{}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			l := locationWith(t, stale(t, 10999, test.owner))
			_, err := l.Load(10999)
			if (err == nil) != test.kept {
				t.Errorf("Load: %v", err)
			}
			add(t, l, entry(10350))
			if test.kept {
				wantContexts(t, l.Files[0], "tilt-10999", "tilt-default")
			} else {
				wantContexts(t, l.Files[0], "tilt-default")
			}
			add(t, l, entry(10999))
			wantContexts(t, l.Files[0], "tilt-10999", "tilt-default")
		})
	}
}

func TestStaleEntryThatWasRenamedStays(t *testing.T) {
	text := strings.Replace(stale(t, 10999, process{}), "  name: tilt-10999\ncurrent-context", "  name: mine\ncurrent-context", 1)
	l := locationWith(t, text)
	add(t, l, entry(10350))
	config, err := clientcmd.LoadFromFile(l.Files[0])
	if err != nil {
		t.Fatal(err)
	}
	if config.Contexts["mine"] == nil || config.Clusters["tilt-10999"] == nil {
		t.Errorf("the renamed context or its cluster is gone:\n%s", get(t, l.Files[0]))
	}
}

func TestEntryOfARunningProcess(t *testing.T) {
	l := emptyLocation(t)
	owner := readyChild(t, "own", l)
	before := get(t, l.Files[0])
	err := addIgnored(t.Context(), l, entry(10350))
	wantError(t, err, "tilt-default", fmt.Sprintf("process %d", owner.Process.Pid), "--port")
	if got := get(t, l.Files[0]); got != before {
		t.Errorf("the file was changed:\n%s", got)
	}

	// A killed process keeps its PID until it is reaped.
	if err := owner.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() bool { return addIgnored(t.Context(), l, entry(10350)) == nil })
	wantContexts(t, l.Files[0], "tilt-default")
}

func eventually(t *testing.T, done func() bool) {
	t.Helper()
	deadline := time.After(20 * time.Second)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !done() {
		select {
		case <-deadline:
			t.Fatal("it didn't happen in 20 seconds")
		case <-tick.C:
		}
	}
}

func TestOwnerOfForeignExtensions(t *testing.T) {
	config, err := clientcmd.Load([]byte(`
contexts:
- name: list
  context: {cluster: list, user: list, extensions: [{name: tilt.dev/session, extension: [1]}]}
- name: text
  context: {cluster: text, user: text, extensions: [{name: tilt.dev/session, extension: {pid: many}}]}
- name: none
  context: {cluster: none, user: none, extensions: [{name: tilt.dev/session}]}
`))
	if err != nil {
		t.Fatal(err)
	}
	config.Contexts["nil"] = nil
	config.Contexts["plain"] = clientcmdapi.NewContext()
	for name, context := range config.Contexts {
		if owner, ok := ownerOf(name, context); ok {
			t.Errorf("%s belongs to %+v, want no owner", name, owner)
		}
	}
}
