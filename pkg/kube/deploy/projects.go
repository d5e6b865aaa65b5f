// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package deploy

import "sync"

// Projects are what the runs of one process deploy. Runs of the same Tiltfile with different arguments share an
// inventory: neither prunes what the Tiltfile of the other one has.
type Projects struct {
	mu sync.Mutex
	of map[*Deployer]*project
}

// NewProjects returns Projects without a run.
func NewProjects() *Projects { return &Projects{of: map[*Deployer]*project{}} }

// set records what a run deploys, nil for nothing any more.
func (p *Projects) set(d *Deployer, current *project) {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if current == nil {
		delete(p.of, d)
	} else {
		p.of[d] = current
	}
}

// has reports whether the Tiltfile of another run with the same inventory has the object of an entry.
func (p *Projects) has(e Entry, except *Deployer) bool {
	if p == nil {
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for d, current := range p.of {
		if d != except && d.id == except.id && current.has(e) {
			return true
		}
	}
	return false
}
