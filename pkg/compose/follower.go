// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package compose

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"tilt.dev/session/pkg/compose/dockerapi"
	"tilt.dev/session/pkg/engine"
	"tilt.dev/session/pkg/logs"
)

// follower shows the log of a container, across its restarts.
type follower struct {
	client    *dockerapi.Client
	log       engine.Log
	id, name  string
	prefix    string
	changed   chan struct{}
	onDrained func()

	mu sync.Mutex
	// container is the latest state, nil once it's gone.
	container *dockerapi.Container
	// drained is when the last end was whose log was read to its end.
	drained time.Time

	// position and the rest belong to run.
	position dockerapi.Position
	fresh    bool
	told     string
}

// newFollower returns the follower of a container that shows what it has logged since a time.
func newFollower(client *dockerapi.Client, log engine.Log, c *dockerapi.Container, since time.Time, prefix string,
	onDrained func()) *follower {
	return &follower{
		client: client, log: log, id: c.ID, name: c.Name, prefix: prefix, changed: make(chan struct{}, 1),
		onDrained: onDrained, container: c, position: dockerapi.Position{Since: since}, fresh: true,
	}
}

// set tells the follower the latest state of its container, nil if it's gone.
func (f *follower) set(c *dockerapi.Container) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.container == c || f.container == nil {
		return
	}
	f.container = c
	select {
	case f.changed <- struct{}{}:
	default:
	}
}

// behind reports whether the container has ended and its log wasn't read to its end.
func (f *follower) behind() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.container != nil && ended(f.container) && !f.container.State.FinishedAt.Equal(f.drained)
}

func ended(c *dockerapi.Container) bool {
	return c.State.Status == dockerapi.StatusExited || c.State.Status == dockerapi.StatusDead
}

func (f *follower) latest() (c *dockerapi.Container, behind bool) {
	behind = f.behind()
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.container, behind
}

// settle is how long the follower of a container whose log has ended waits for its state.
const settle = 10 * time.Second

func (f *follower) run(ctx context.Context) {
	writer := f.log.Writer()
	defer writer.Close()
	delay := firstPause
	for ctx.Err() == nil {
		c, behind := f.latest()
		if c == nil {
			return
		}
		var err error
		wait := settle
		switch {
		case behind:
			if err = f.read(ctx, c, writer, false); err == nil || dockerapi.IsAnswer(err) {
				f.drain(c.State.FinishedAt)
				wait = 0
			}
		case c.State.Status == dockerapi.StatusRunning || c.State.Status == dockerapi.StatusPaused:
			err = f.read(ctx, c, writer, true) // After the end its state is about to follow.
		default:
			wait = time.Hour
		}
		if err == nil {
			delay = firstPause
			f.pause(ctx, wait)
			continue
		}
		if dockerapi.IsNotFound(err) {
			return
		}
		f.tell(ctx, err)
		f.pause(ctx, delay)
		delay = min(2*delay, longestPause)
	}
}

func (f *follower) drain(at time.Time) {
	f.mu.Lock()
	f.drained = at
	f.mu.Unlock()
	f.onDrained()
}

// pause waits for a change of the container, at most for a time.
func (f *follower) pause(ctx context.Context, most time.Duration) {
	timer := time.NewTimer(most)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-f.changed:
	case <-timer.C:
	}
}

// tell logs an answer that says why there's no log, once. A connection that is lost is made again.
func (f *follower) tell(ctx context.Context, err error) {
	text := err.Error()
	if ctx.Err() != nil || text == f.told || !dockerapi.IsAnswer(err) || strings.Contains(text, "marked for removal") {
		return
	}
	f.told = text
	f.log.Append(logs.LevelWarn, fmt.Sprintf("can't read the log of container %s: %s", f.name, text))
}

// read shows the log from the position on.
func (f *follower) read(ctx context.Context, c *dockerapi.Container, to io.Writer, follow bool) error {
	if !follow {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Minute)
		defer cancel()
	}
	return f.client.Logs(ctx, f.id, c.Config.Tty, follow, &f.position, func(piece []byte) {
		if f.fresh && f.prefix != "" {
			_, _ = io.WriteString(to, f.prefix)
		}
		f.fresh = bytes.HasSuffix(piece, []byte("\n"))
		_, _ = to.Write(piece)
	})
}

// ports are the URLs of the ports that the engine has chosen for a container, which no file says.
func ports(c *dockerapi.Container) string {
	var urls []string
	for _, port := range slices.Sorted(maps.Keys(c.NetworkSettings.Ports)) {
		if !strings.HasSuffix(port, "/tcp") || !slices.ContainsFunc(c.HostConfig.PortBindings[port], chosen) {
			continue
		}
		for _, binding := range c.NetworkSettings.Ports[port] {
			host := binding.HostIP
			if ip := net.ParseIP(host); ip == nil || ip.IsUnspecified() {
				host = "localhost"
			}
			url := "http://" + net.JoinHostPort(host, binding.HostPort) + "/"
			if !slices.Contains(urls, url) {
				urls = append(urls, url)
			}
		}
	}
	return strings.Join(urls, " ")
}

// chosen reports whether the engine chooses a port.
func chosen(b dockerapi.PortBinding) bool {
	port, err := strconv.Atoi(b.HostPort)
	return err != nil || port == 0
}
