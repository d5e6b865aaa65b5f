// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package compose

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"tilt.dev/session/pkg/compose/dockerapi"
	"tilt.dev/session/pkg/model"
)

// The labels that Compose gives to what it creates.
const (
	labelProject = "com.docker.compose.project"
	labelService = "com.docker.compose.service"
	labelNumber  = "com.docker.compose.container-number"
	labelOneOff  = "com.docker.compose.oneoff"
)

// projectKey is a project of an engine.
type projectKey struct{ host, name string }

// Projects are the projects of all runs of one process. The zero value has none.
type Projects struct {
	mu      sync.Mutex
	claimed map[projectKey]*claim
}

// claim is a project that runs use.
type claim struct {
	*turns
	// users are the runs with what their Tiltfiles say.
	users map[*Runner]*model.ComposeProject
}

// claim makes a run a user of a project. The run releases it.
func (ps *Projects) claim(key projectKey, r *Runner, p *model.ComposeProject) (*claim, error) {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	if ps.claimed == nil {
		ps.claimed = map[projectKey]*claim{}
	}
	c := ps.claimed[key]
	if c == nil {
		c = &claim{turns: newTurns(), users: map[*Runner]*model.ComposeProject{}}
		ps.claimed[key] = c
	}
	for other, theirs := range c.users {
		if other != r && (theirs.Directory != p.Directory || !slices.Equal(theirs.Files, p.Files)) {
			return nil, fmt.Errorf("another Session runs a project %q from other files: %v, and not %v; "+
				"give one of them another name by docker_compose(project_name=)", p.Name, theirs.Files, p.Files)
		}
	}
	c.users[r] = p
	return c, nil
}

// release ends the use of a project by a run.
func (ps *Projects) release(key projectKey, r *Runner) {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	if c := ps.claimed[key]; c != nil {
		delete(c.users, r)
		if len(c.users) == 0 {
			delete(ps.claimed, key)
		}
	}
}

// project is a project that the run uses.
type project struct {
	*claim
	key    projectKey
	client *dockerapi.Client
	watch  *watcher

	// noted is for before: the containers and networks that existed when the run began to use the project, in ci.
	noted  sync.Mutex
	before map[string]bool

	mu sync.Mutex
	// touched are the services that the run has brought up.
	touched map[string]bool
}

// project returns the project of a service, which the run uses from now on.
func (r *Runner) project(ctx context.Context, environ []string, p *model.ComposeProject) (*project, error) {
	client, err := r.connect(ctx, environ)
	if err != nil {
		return nil, err
	}
	key := projectKey{client.Host, p.Name}
	c, err := r.options.Projects.claim(key, r, p)
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	known := r.projects[key]
	if known == nil {
		known = &project{claim: c, key: key, client: client, touched: map[string]bool{}}
		known.watch = newWatcher(client, p.Name)
		r.projects[key] = known
		r.goroutines.Go(func() { known.watch.run(r.ctx) })
	}
	return known, nil
}

// touch notes that a service is brought up by the run, and at the first one what exists.
func (p *project) touch(ctx context.Context, service string, note bool) error {
	p.noted.Lock()
	defer p.noted.Unlock()
	if note && p.before == nil {
		containers, networks, err := p.list(ctx)
		if err != nil {
			return err
		}
		p.before = map[string]bool{}
		for _, id := range containers {
			p.before[id] = true
		}
		for _, network := range networks {
			p.before[network.ID] = true
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.touched[service] = true
	return nil
}

// brought reports whether the run has brought up a service.
func (p *project) brought(service string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.touched[service]
}

// list lists the containers and networks of the project.
func (p *project) list(ctx context.Context) (containers []string, networks []dockerapi.Network, err error) {
	label := labelProject + "=" + p.key.name
	if containers, err = p.client.Containers(ctx, label); err != nil {
		return nil, nil, err
	}
	networks, err = p.client.Networks(ctx, label)
	return containers, networks, err
}
