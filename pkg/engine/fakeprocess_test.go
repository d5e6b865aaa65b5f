// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"io"
	"sync"
	"time"

	"tilt.dev/session/pkg/process"
)

// fakeProcess runs until the test ends it or the engine stops it.
type fakeProcess struct {
	pid int
	// stubborn processes ignore TERM.
	stubborn bool
	done     chan struct{}
	// output is closed at the end. It may be nil.
	output io.Closer
	// gone is called just before done is closed. It may be nil.
	gone func()

	mu    sync.Mutex
	ended bool
	// unreaped is true once the main process has ended and isn't waited for.
	unreaped bool
	exit     process.Exit
	stops    []time.Duration
}

func (p *fakeProcess) PID() int              { return p.pid }
func (p *fakeProcess) Done() <-chan struct{} { return p.done }
func (p *fakeProcess) Exit() process.Exit    { return p.exit }

func (p *fakeProcess) Exited() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.ended || p.unreaped
}

// exitUnseen ends the main process before Done is closed.
func (p *fakeProcess) exitUnseen() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.unreaped = true
}

func (p *fakeProcess) Stop(grace time.Duration) {
	p.mu.Lock()
	p.stops = append(p.stops, grace)
	again, stubborn := len(p.stops) > 1, p.stubborn
	p.mu.Unlock()
	switch {
	case grace <= 0 || again:
		p.end(process.Exit{Code: -1, Signal: "killed"})
	case stubborn:
		time.AfterFunc(grace, func() { p.Stop(0) })
	default:
		p.end(process.Exit{Code: -1, Signal: "terminated"})
	}
}

func (p *fakeProcess) end(exit process.Exit) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.ended {
		p.ended = true
		p.exit = exit
		if p.output != nil {
			_ = p.output.Close()
		}
		if p.gone != nil {
			p.gone()
		}
		close(p.done)
	}
}

// resist makes a process ignore TERM from now on.
func (p *fakeProcess) resist() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stubborn = true
}

// stopped counts how often it was asked to end.
func (p *fakeProcess) stopped() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.stops)
}
