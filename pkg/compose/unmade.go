// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package compose

import (
	"context"
	"maps"
	"regexp"
	"slices"
	"sync"
	"time"

	"tilt.dev/session/pkg/compose/dockerapi"
	"tilt.dev/session/pkg/process"
)

// unmade are the containers and networks that a command of Compose is making, by its output. If it ends meanwhile, the
// engine goes on with what it was asked for, and lists that only afterwards: too late for what removes containers.
type unmade struct {
	mu sync.Mutex
	// things has true for a container that replaces the one of its name.
	things map[thing]bool
}

// thing is a Container or a Network.
type thing struct{ kind, name string }

// makes matches what Compose says about a thing.
var makes = regexp.MustCompile(`^\s*(Container|Network) (\S+)\s+(Creat|Recreat)(e|ing|ed)\s*$`)

// note notes what a line says.
func (n *unmade) note(line []byte) {
	m := makes.FindSubmatch(line)
	if m == nil {
		return
	}
	it := thing{string(m[1]), string(m[2])}
	n.mu.Lock()
	defer n.mu.Unlock()
	if string(m[4]) == "ed" {
		delete(n.things, it)
		return
	}
	if n.things == nil {
		n.things = map[thing]bool{}
	}
	n.things[it] = string(m[3]) == "Recreat"
}

func (n *unmade) count() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return len(n.things)
}

const (
	// lateness is how long a thing is waited for once Compose has ended, since its request may never have been sent.
	lateness = 3 * time.Second
	// glance is the time between two looks.
	glance = 20 * time.Millisecond
)

// see waits for the end of a command. One that is stopped first sees through what it is making, for half of the grace.
// What is still being made when a command fails is waited for, except for the one that it has failed with.
func (u *update) see(p *process.Process, n *unmade) {
	select {
	case <-p.Done():
	case <-u.ctx.Done():
		u.wait(u.left()/2, func() bool { return p.Exited() || n.count() == 0 })
		p.Stop(u.left())
	}
	blamed := 0
	switch exit := p.Exit(); {
	case exit.Code == 0:
		return
	case exit.Code > 0 && u.ctx.Err() == nil:
		blamed = 1
	}
	u.wait(lateness, func() bool {
		if n.count() > blamed {
			u.project.look(n)
		}
		return n.count() <= blamed
	})
}

// left is how much of the grace is left for an update that is stopped.
func (u *update) left() time.Duration {
	u.mu.Lock()
	defer u.mu.Unlock()
	return time.Until(u.due)
}

// wait waits until a condition is met, no longer than a time and the grace.
func (u *update) wait(longest time.Duration, met func() bool) {
	for end := time.Now().Add(longest); !met() && time.Now().Before(end) && (u.ctx.Err() == nil || u.left() > 0); {
		time.Sleep(glance)
	}
}

// look takes out what the engine has made.
func (p *project) look(n *unmade) {
	ctx, cancel := context.WithTimeout(context.Background(), lateness)
	defer cancel()
	n.mu.Lock()
	defer n.mu.Unlock()
	maps.DeleteFunc(n.things, func(it thing, replaces bool) bool {
		if it.kind == "Network" {
			list, err := p.client.Networks(ctx, labelProject+"="+p.key.name)
			return err == nil && slices.ContainsFunc(list, func(n dockerapi.Network) bool { return n.Name == it.name })
		}
		c, err := p.client.Inspect(ctx, it.name)
		if replaces && err == nil { // Its own name until the other is removed begins with the other's ID.
			_, err = p.client.Inspect(ctx, c.ID[:min(12, len(c.ID))]+"_"+it.name)
			return err == nil
		}
		return err == nil || replaces && dockerapi.IsNotFound(err)
	})
}
