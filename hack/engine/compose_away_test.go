// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build engine

package engine

import (
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"tilt.dev/session/pkg/compose"
	"tilt.dev/session/pkg/logs"
)

// way is a socket that leads to the engine, and can be blocked.
type way struct {
	host     string
	engine   string
	listener net.Listener
	serving  sync.WaitGroup

	mu      sync.Mutex
	blocked bool
	conns   []net.Conn
}

// detour has an app use a way to its engine.
func (a *app) detour() *way {
	a.Helper()
	engine := a.socket()
	dir, err := os.MkdirTemp("", "way") // The path of a socket must be short.
	if err != nil {
		a.Fatal(err)
	}
	path := filepath.Join(dir, "s")
	listener, err := net.Listen("unix", path)
	if err != nil {
		a.Fatal(err)
	}
	w := &way{host: "unix://" + path, engine: engine, listener: listener}
	w.serving.Go(w.serve)
	a.Cleanup(func() {
		_ = listener.Close()
		w.block(true)
		w.serving.Wait()
		_ = os.RemoveAll(dir)
	})
	a.change("DOCKER_HOST=" + w.host)
	return w
}

func (w *way) serve() {
	for {
		conn, err := w.listener.Accept()
		if err != nil {
			return
		}
		to, err := net.Dial("unix", w.engine)
		w.mu.Lock()
		if w.blocked || err != nil {
			_ = conn.Close()
			if err == nil {
				_ = to.Close()
			}
			w.mu.Unlock()
			continue
		}
		w.conns = append(w.conns, conn, to)
		w.mu.Unlock()
		for _, pair := range [][2]net.Conn{{conn, to}, {to, conn}} {
			w.serving.Go(func() {
				_, _ = io.Copy(pair[0], pair[1])
				_ = pair[0].Close()
				_ = pair[1].Close()
			})
		}
	}
}

// block cuts all connections, and refuses others until it is called again.
func (w *way) block(blocked bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.blocked = blocked
	for _, conn := range w.conns {
		_ = conn.Close()
	}
	w.conns = nil
}

// TestComposeAway stops the engine's answers: the log reports it, the last state stands, and later changes are found.
func TestComposeAway(t *testing.T) {
	a := newApp(t, "  web:\n"+served+"  db:\n"+served)
	w := a.detour()
	p := a.begin(compose.Options{}, a.service("web"), a.service("db"))
	p.wait("web=succeeded/ready db=succeeded/ready")
	web := a.container("web")
	w.block(true)
	p.until("the notice", func() bool { return strings.Contains(p.detail("web"), "docker engine not reachable since") })
	p.wait("web=succeeded/ready db=succeeded/ready")
	a.docker("-H", "unix://"+w.engine, "kill", web)
	w.block(false)
	p.wait("web=succeeded/failed db=succeeded/ready")
	p.until("the end of the notice", func() bool { return p.detail("db") == "" })
	if got := p.runtime("web").Error; !strings.Contains(got, "exit 137 (killed)") {
		t.Errorf("the error is %q", got)
	}
}

// TestComposeAwayAtTheStart: the update fails by the text of what can't be reached.
func TestComposeAwayAtTheStart(t *testing.T) {
	a := newApp(t, "  web:\n"+served)
	w := a.detour()
	w.block(true)
	p := a.begin(compose.Options{CI: true}, a.service("web"))
	p.wait("web=failed/waiting")
	if got := p.updateError("web"); !strings.Contains(got, "docker engine at "+w.host+" can't be reached") {
		t.Errorf("the error is %q", got)
	}
	p.end()
	w.block(false)
}

// TestComposeLogCut: a log whose stream breaks again and again has all its lines, once.
func TestComposeLogCut(t *testing.T) {
	const lines = 2000
	a := newApp(t, fmt.Sprintf("  log:\n    image: IMAGE\n    command: [/app, log, '%d', slowly]\n", lines))
	w := a.detour()
	p := a.begin(compose.Options{}, a.service("log", oneOff))
	for n := 200; n < lines; n += 200 {
		p.until(fmt.Sprint("line ", n), func() bool { return strings.Contains(p.log(), fmt.Sprintf("| line %d\n", n)) })
		w.block(false)
	}
	p.wait("log=succeeded/succeeded")
	next := [2]int{1, 0}
	for batch := range p.logs.Read(t.Context(), logs.Selection{Sources: []string{"log"}, Until: closed}) {
		for line := range batch.Lines() {
			var n int
			if _, err := fmt.Sscanf(line.Text, "line %d", &n); err != nil {
				continue
			}
			stream := 0 // Each tenth line is one of stderr.
			if n%10 == 0 {
				stream = 1
			}
			if want := next[stream]; want != n {
				t.Fatalf("line %d follows, want %d", n, want)
			}
			next[stream] = following(n)
		}
	}
	if next != [2]int{lines + 1, lines} {
		t.Errorf("the next lines would be %v", next)
	}
}

// following is the line that follows one in its stream.
func following(n int) int {
	switch {
	case n%10 == 0:
		return n + 10
	case n%10 == 9:
		return n + 2
	}
	return n + 1
}
