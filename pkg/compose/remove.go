// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package compose

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"tilt.dev/session/pkg/compose/dockerapi"
	"tilt.dev/session/pkg/engine"
	"tilt.dev/session/pkg/logs"
)

// removal is the removal of the containers of a service.
type removal struct{ done chan struct{} }

// remove begins to remove the containers of a service, once its update has ended, which was stopped. The next update
// waits for that. The caller holds the lock.
func (r *Runner) remove(key serviceKey, log engine.Log) {
	if r.closed {
		return
	}
	before, running := r.removing[key], r.updating[key]
	if running == nil && !r.knows(key.project) {
		return // Nothing of the project was ever brought up by this run.
	}
	this := &removal{done: make(chan struct{})}
	r.removing[key] = this
	r.goroutines.Go(func() {
		defer close(this.done)
		defer r.removed(key, this)
		if before != nil {
			<-before.done
		}
		if running != nil {
			<-running.done
		}
		for _, p := range r.named(key.project) {
			if err := removeService(r.ctx, p.client, log, key); err != nil && r.ctx.Err() == nil {
				log.Append(logs.LevelError, "Removing the containers failed: "+err.Error())
			}
		}
	})
}

func (r *Runner) removed(key serviceKey, this *removal) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.removing[key] == this {
		delete(r.removing, key)
	}
}

// knows reports whether the run uses a project. The caller holds the lock.
func (r *Runner) knows(name string) bool {
	for key := range r.projects {
		if key.name == name {
			return true
		}
	}
	return false
}

// named are the projects of a name, of which there is one for each engine.
func (r *Runner) named(name string) (list []*project) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for key, p := range r.projects {
		if key.name == name {
			list = append(list, p)
		}
	}
	return list
}

// removeService removes the containers of a service. Those of `docker compose run` belong to the user.
func removeService(ctx context.Context, client *dockerapi.Client, log engine.Log, key serviceKey) error {
	ids, err := client.Containers(ctx, labelProject+"="+key.project, labelService+"="+key.service, labelOneOff+"=False")
	if err != nil {
		return err
	}
	return removeContainers(ctx, client, log, ids)
}

// removeContainers stops and removes containers, all at the same time.
func removeContainers(ctx context.Context, client *dockerapi.Client, log engine.Log, ids []string) error {
	errs := make([]error, len(ids))
	var removing sync.WaitGroup
	for i, id := range ids {
		removing.Go(func() { errs[i] = removeContainer(ctx, client, log, id) })
	}
	removing.Wait()
	return errors.Join(errs...)
}

// margin is what remains of a deadline for the removal of a container that had to be killed.
const margin = time.Second

func removeContainer(ctx context.Context, client *dockerapi.Client, log engine.Log, id string) error {
	c, err := client.Inspect(ctx, id)
	if dockerapi.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	log.Append(logs.LevelInfo, "Removing container "+c.Name)
	grace := dockerapi.DefaultStopTimeout
	if c.Config.StopTimeout != nil {
		grace = time.Duration(*c.Config.StopTimeout) * time.Second
	}
	if deadline, ok := ctx.Deadline(); ok {
		grace = min(grace, time.Until(deadline)-margin)
	}
	if err := client.Stop(ctx, id, grace); err != nil {
		return fmt.Errorf("stop container %s: %w", c.Name, err)
	}
	if err := client.Remove(ctx, id); err != nil {
		return fmt.Errorf("remove container %s: %w", c.Name, err)
	}
	return nil
}

// finish leaves a project at the end of the run, or removes what the run has created.
func (r *Runner) finish(ctx context.Context, p *project) {
	if len(p.touched) == 0 {
		return
	}
	containers, networks, err := p.created(ctx, r.options.CI && !r.options.Keep)
	switch {
	case err != nil:
	case r.options.CI && !r.options.Keep:
		if err = removeContainers(ctx, p.client, r.options.Log, identities(containers)); err == nil {
			err = removeNetworks(ctx, p.client, r.options.Log, networks)
		}
	case len(containers) > 0:
		what := "1 container of project %s keeps running: tilt-session down"
		if n := len(containers); n > 1 {
			what = fmt.Sprintf("%d containers", n) + " of project %s keep running: tilt-session down"
		}
		r.options.Notice(fmt.Sprintf(what, p.key.name))
	}
	if err != nil {
		if ctx.Err() != nil {
			err = errors.New("there was no time")
		}
		r.options.Notice(fmt.Sprintf("Containers of project %s are left, `tilt-session down` removes them: %v",
			p.key.name, err))
	}
}

// created are the containers of the services that the run has brought up. With fresh they are those that didn't exist
// before, along with such networks of the project; otherwise those that run.
func (p *project) created(ctx context.Context, fresh bool) ([]*dockerapi.Container, []dockerapi.Network, error) {
	ids, networks, err := p.list(ctx)
	if err != nil {
		return nil, nil, err
	}
	var containers []*dockerapi.Container
	for _, id := range ids {
		if fresh && p.before[id] {
			continue
		}
		c, err := p.client.Inspect(ctx, id)
		if dockerapi.IsNotFound(err) {
			continue
		}
		if err != nil {
			return nil, nil, err
		}
		running := c.State.Status == dockerapi.StatusRunning || c.State.Status == dockerapi.StatusRestarting
		if p.brought(c.Config.Labels[labelService]) && c.Config.Labels[labelOneOff] != "True" && (fresh || running) {
			containers = append(containers, c)
		}
	}
	networks = slices.DeleteFunc(networks, func(n dockerapi.Network) bool { return p.before[n.ID] })
	return containers, networks, nil
}

func identities(containers []*dockerapi.Container) []string {
	ids := make([]string, len(containers))
	for i, c := range containers {
		ids[i] = c.ID
	}
	return ids
}

// removeNetworks removes networks, except for those that others use.
func removeNetworks(ctx context.Context, client *dockerapi.Client, log engine.Log, networks []dockerapi.Network) error {
	var errs []error
	for _, n := range networks {
		err := client.RemoveNetwork(ctx, n.ID)
		switch {
		case err == nil:
			log.Append(logs.LevelInfo, "Removed network "+n.Name)
		case dockerapi.IsAnswer(err) && strings.Contains(err.Error(), "active endpoints"):
			log.Append(logs.LevelInfo, fmt.Sprintf("Network %s stays: others use it", n.Name))
		default:
			errs = append(errs, fmt.Errorf("remove network %s: %w", n.Name, err))
		}
	}
	return errors.Join(errs...)
}
