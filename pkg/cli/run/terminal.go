// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package run

import (
	"context"
	"fmt"
	"io"
	"os"
	"sync"
	"syscall"
	"time"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/cli/command"
	"tilt.dev/session/pkg/controller"
	clientv1alpha1 "tilt.dev/session/pkg/generated/clientset/versioned/typed/core/v1alpha1"
	"tilt.dev/session/pkg/host"
	"tilt.dev/session/pkg/view"
	"tilt.dev/session/pkg/view/live"
)

// terminal is how a person at a terminal sees a run beside plain lines: up in the live view, ci with a line of status
// below the lines. Both are clients of the API. It does nothing if neither is set.
type terminal struct {
	api   *host.API
	style view.Style
	in    *os.File
	out   *os.File
	live  bool
	// children is the environment that tells commands whether to use colours.
	children []string
	status   *live.Status
	page     webPage
	// errors is stderr, which isn't written to while the view is on the screen.
	errors *held
}

// newTerminal decides how the run is seen, and directs the streams of p accordingly.
func (o *options) newTerminal(p *command.Program, api *host.API) *terminal {
	t := &terminal{api: api, children: o.colours.Children(p.Streams.Out), page: o.newWebPage()}
	about := live.Look(p.Streams.In, p.Streams.Out)
	if o.stream || o.output.quiet || o.output.format == formatJSON || !about.Moves() {
		return t
	}
	t.style = o.colours.Style(p.Streams.Out)
	t.out, _ = p.Streams.Out.(*os.File)
	shared := command.IsTerminal(p.Streams.ErrOut)
	switch {
	case o.exitCondition == v1alpha1.ExitConditionCI:
		t.status = live.NewStatus(t.out, t.style, func() int { return live.Look(nil, t.out).Width })
		p.Streams.Out = t.status
		if shared {
			p.Streams.ErrOut = t.status.Through(p.Streams.ErrOut)
		}
	case about.Live():
		t.live = true
		t.in, _ = p.Streams.In.(*os.File)
		if shared {
			t.errors = &held{w: p.Streams.ErrOut}
			p.Streams.ErrOut = t.errors
		}
	}
	return t
}

func (t *terminal) client() (*live.Client, error) {
	config := t.api.ClientConfig()
	config.QPS = -1
	client, err := clientv1alpha1.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("make a client: %w", err)
	}
	return &live.Client{API: client, Name: command.SessionName, Manager: controller.FieldManager}, nil
}

// showStatus shows the line of status until the returned function is called.
func (t *terminal) showStatus(ctx context.Context) (end func()) {
	if t.status == nil {
		return func() {}
	}
	client, err := t.client()
	if err != nil {
		return func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	var work sync.WaitGroup
	work.Go(func() { t.status.Run(ctx, client, time.Now) })
	return func() { cancel(); work.Wait() }
}

// showLive shows the live view until ctx is done or the user has left the view, and reports whether plain lines are to
// follow: the user has asked for them, or the view can't be shown.
func (t *terminal) showLive(ctx context.Context) (stream bool, err error) {
	client, err := t.client()
	if err != nil {
		return true, err
	}
	t.errors.hold()
	ending, err := live.Run(ctx, t.in, t.out, live.Options{
		Source: client, Control: client, Title: "up", Serves: t.api.String(), Own: true,
		Style: t.style, Now: time.Now, Zone: time.Local, Page: t.page.opener(client),
	})
	t.errors.release()
	if err == nil && ending == live.EndedByUser {
		fmt.Fprintln(t.out, "Ending the run; Ctrl-C ends it at once.")
		err = syscall.Kill(os.Getpid(), syscall.SIGINT) // The group of parts decides what it means.
	}
	return err != nil || ending == live.EndedForStream, err
}

// held keeps what is written while the screen isn't to be disturbed. A nil one holds nothing.
type held struct {
	w io.Writer

	mu      sync.Mutex
	holds   bool
	kept    []byte
	dropped int
}

// maxHeld is how many bytes are kept.
const maxHeld = 256 << 10

func (h *held) Write(p []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case !h.holds:
		return h.w.Write(p)
	case len(h.kept)+len(p) > maxHeld:
		h.dropped += len(p)
	default:
		h.kept = append(h.kept, p...)
	}
	return len(p), nil
}

func (h *held) hold() {
	if h != nil {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.holds = true
	}
}

// release writes what was kept.
func (h *held) release() {
	if h == nil {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.dropped > 0 {
		h.kept = fmt.Appendf(h.kept, "%d bytes more were written on stderr, and are left out\n", h.dropped)
	}
	_, _ = h.w.Write(h.kept)
	h.holds, h.kept, h.dropped = false, nil, 0
}
