// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package compose

import (
	"context"
	"errors"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"tilt.dev/session/pkg/compose/dockerapi"
	"tilt.dev/session/pkg/engine"
	"tilt.dev/session/pkg/logs"
)

// stop stops the update of the service web after its first line.
func (s *stage) stop() engine.Activity {
	s.Helper()
	a := s.start("web")
	for len(s.logs.Tail("web", 5)) < 2 {
		select {
		case <-a.Done():
			s.Fatalf("%+v", a.End())
		case <-time.After(time.Millisecond):
		}
	}
	a.Stop(time.Minute)
	return a
}

// TestSeenThrough: Compose gets its TERM when what it is making is made.
func TestSeenThrough(t *testing.T) {
	s := newStage(t, `trap 'exit 130' TERM
echo ' Network p_default  Creating'
until [ -e "$CALLS.made" ]; do sleep 0.01; done
echo ' Network p_default  Created'
while :; do sleep 0.01; done`, Options{})
	a := s.stop()
	if err := os.WriteFile(s.calls()+".made", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	s.end(a)
	tail := s.logs.Tail("web", 9)
	if !slices.ContainsFunc(tail, func(l logs.Line) bool { return l.Text == " Network p_default  Created" }) {
		t.Errorf("%v", tail)
	}
}

// TestLate: a container that comes after the end of Compose is removed at the end of ci.
func TestLate(t *testing.T) {
	s := newStage(t, `trap 'echo " Container p-web-1  Creating"; echo canceled; exit 130' TERM
echo begins
while :; do sleep 0.01; done`, Options{CI: true})
	var asked atomic.Int32
	s.engine.setFault(func(_ http.ResponseWriter, r *http.Request) bool {
		if strings.HasSuffix(r.URL.Path, "/p-web-1/json") && asked.Add(1) == 3 {
			s.engine.set(aContainer("p-web-1", dockerapi.StatusCreated), false)
		}
		return false
	})
	s.end(s.stop())
	s.runner.Close(t.Context())
	if asked.Load() < 3 || s.engine.count("p-web-1") != 1 || len(s.engine.containers) > 0 {
		t.Errorf("asked %d times, left: %v", asked.Load(), s.engine.containers)
	}
}

// TestHelperLeft: the container with the tools for live updates goes, also when the update ends before they are copied,
// or before the container is there: the first rm doesn't find it.
func TestHelperLeft(t *testing.T) {
	for hangs, want := range map[string]string{
		"cp":     "create -q --name NAME tools sh|cp -q NAME:/bin/busybox|rm NAME",
		"create": "create -q --name NAME tools sh|rm NAME|rm NAME",
	} {
		t.Run(hangs, func(t *testing.T) {
			s := newStage(t, `case "$1" in
`+hangs+`) sleep 60;;
rm) [ "$(grep -c rm "$CALLS")" = 2 ];;
esac`, Options{Helper: "tools"})
			ctx, cancel := context.WithCancel(t.Context())
			ended := make(chan error, 1)
			go func() {
				_, err := (&container{runner: s.runner, environ: s.environ, id: "ID"}).Equip(ctx, nil)
				ended <- err
			}()
			calls := func() string {
				data, err := os.ReadFile(s.calls())
				if err != nil && !os.IsNotExist(err) {
					t.Fatal(err)
				}
				return string(data)
			}
			for !strings.Contains(calls(), hangs+" -q") {
				time.Sleep(time.Millisecond)
			}
			cancel()
			if err := <-ended; !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
			lines := strings.Split(strings.TrimSpace(calls()), "\n")
			name := strings.Fields(lines[0])[3]
			for i, line := range lines {
				lines[i], _, _ = strings.Cut(line, " /")
			}
			if got := strings.ReplaceAll(strings.Join(lines, "|"), name, "NAME"); got != want {
				t.Errorf("calls %q, want %q", got, want)
			}
		})
	}
}
