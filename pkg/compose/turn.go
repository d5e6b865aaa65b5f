// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package compose

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"sync"
	"time"

	"tilt.dev/session/pkg/logs"
	"tilt.dev/session/pkg/process"
)

// turns has one `up` of a project at a time. Services that are due meanwhile come up together next, which takes Compose
// far less than one after the other.
type turns struct {
	// taken has room for the one whose turn it is.
	taken chan struct{}

	mu    sync.Mutex
	queue []*call
}

func newTurns() *turns { return &turns{taken: make(chan struct{}, 1)} }

// call is an update that waits for the containers of its service.
type call struct {
	*update
	// argv is the command without the service, and stdin what it reads.
	argv  []string
	stdin string
	// alone is true once a command for several services has failed.
	alone bool
	// done is closed when err is the result.
	done chan struct{}
	err  error
}

// gather is how long a turn waits for services that are due at about the same time.
const gather = 10 * time.Millisecond

// up brings up the service of a call, perhaps along with others. It returns once Compose has ended.
func (ts *turns) up(c *call) error {
	c.done = make(chan struct{})
	ts.mu.Lock()
	ts.queue = append(ts.queue, c)
	ts.mu.Unlock()
	select {
	case <-c.done:
		return c.err
	case <-c.ctx.Done():
		if !ts.leave(c) {
			<-c.done // Compose is bringing it up.
		}
		return c.ctx.Err()
	case ts.taken <- struct{}{}:
	}
	defer func() { <-ts.taken }()
	pause(c.ctx, gather)
	batch := ts.take(c)
	if len(batch) == 0 {
		<-c.done // It came up with the turn before.
		return c.err
	}
	c.err = c.runBatch(batch)
	for _, other := range batch[1:] {
		if other.ctx.Err() == nil && (other.alone || c.ctx.Err() != nil) {
			ts.mu.Lock()
			ts.queue = append(ts.queue, other) // Its own turn comes.
			ts.mu.Unlock()
			continue
		}
		close(other.done)
	}
	return c.err
}

// leave takes a call out of the queue, and returns false if it isn't there any more.
func (ts *turns) leave(c *call) bool {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	i := slices.Index(ts.queue, c)
	if i < 0 {
		return false
	}
	ts.queue = slices.Delete(ts.queue, i, i+1)
	return true
}

// take takes a call out of the queue, first, and those that the same command can bring up. It returns none if another
// turn has taken the call.
func (ts *turns) take(c *call) []*call {
	if !ts.leave(c) {
		return nil
	}
	batch := []*call{c}
	ts.mu.Lock()
	defer ts.mu.Unlock()
	ts.queue = slices.DeleteFunc(ts.queue, func(other *call) bool {
		joins := !c.alone && !other.alone && c.stdin == "" && other.stdin == "" && other.runner == c.runner &&
			other.ctx.Err() == nil && slices.Equal(other.argv, c.argv) && slices.Equal(other.request.Environ, c.request.Environ)
		if joins {
			batch = append(batch, other)
		}
		return joins
	})
	return batch
}

// runBatch brings up the services of calls, of which c is the first, and sets the results of the others. If that fails
// each has a turn of its own, to know which one is to blame: those that run are left as they are.
func (c *call) runBatch(batch []*call) error {
	if len(batch) == 1 {
		return c.execute(c.stdin, append(slices.Clone(c.argv), c.up.Service))
	}
	argv, members := slices.Clone(c.argv), make([]io.Writer, len(batch))
	names := make([]string, len(batch))
	for i, member := range batch {
		names[i] = member.up.Service
		writer := member.request.Log.Writer()
		defer writer.Close()
		members[i] = writer
	}
	argv = append(argv, names...)
	for _, member := range batch {
		member.request.Log.Append(logs.LevelInfo, "Running cmd: "+shown(argv))
	}
	out := &router{project: c.up.Project.Name, services: names, logs: members}
	last := &lastLine{unmade: &unmade{}}
	p, err := c.start(process.Spec{Argv: argv, Output: writers{out, last}})
	if err == nil {
		err = c.await(p, last)
		out.flush()
	}
	if failure := (*commandError)(nil); !errors.As(err, &failure) || c.ctx.Err() != nil {
		for _, member := range batch[1:] {
			member.err = err
		}
		return err
	}
	for _, member := range batch[1:] {
		member.alone = true
	}
	return c.execute("", append(slices.Clone(c.argv), c.up.Service))
}

// router gives each line of Compose to the log of the service that it is about, and others to the first.
type router struct {
	project  string
	services []string
	logs     []io.Writer
	rest     []byte
}

// aboutContainer and aboutService match what a line is about.
var (
	aboutContainer = regexp.MustCompile(`^\s*Container (\S+)-\d+\s`)
	aboutService   = regexp.MustCompile(`^\s*(\S+) `)
)

func (r *router) Write(p []byte) (int, error) {
	for line := range bytes.Lines(p) {
		r.rest = append(r.rest, line...)
		if bytes.HasSuffix(line, []byte("\n")) {
			r.end()
		}
	}
	return len(p), nil
}

func (r *router) end() {
	_, _ = r.logs[r.about(r.rest)].Write(r.rest) // It never fails.
	r.rest = r.rest[:0]
}

func (r *router) flush() {
	if len(r.rest) > 0 {
		r.end()
	}
}

func (r *router) about(line []byte) int {
	if m := aboutContainer.FindSubmatch(line); m != nil {
		name := string(m[1])
		return max(0, slices.IndexFunc(r.services, func(s string) bool { return name == fmt.Sprintf("%s-%s", r.project, s) }))
	}
	if m := aboutService.FindSubmatch(line); m != nil {
		return max(0, slices.Index(r.services, string(m[1])))
	}
	return 0
}
