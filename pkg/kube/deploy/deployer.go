// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package deploy

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"sync"
	"time"

	"tilt.dev/session/pkg/engine"
	"tilt.dev/session/pkg/kube/cluster"
	"tilt.dev/session/pkg/logs"
	"tilt.dev/session/pkg/model"
	"tilt.dev/session/pkg/process"
)

// Options configure a Deployer.
type Options struct {
	// Connect returns the connection to the cluster. It contacts nothing.
	Connect func() (*cluster.Connection, error)
	// Start starts the commands of custom deploys.
	Start func(process.Spec) (*process.Process, error)
	// Project is the stable ID of the project, Owner whom it belongs to. Together they name the inventory.
	Project, Owner string
	// Projects are those of all runs of this process. Nil: there is no other one.
	Projects *Projects
	// NoPrune leaves objects in the cluster that are no longer in the YAML.
	NoPrune bool
	// Log gets lines about resources that no longer exist.
	Log engine.Log
}

// Deployer deploys the resources of a run. Its methods are safe for concurrent use. It owns the goroutines of its
// deploys, and those that remove what left the Tiltfile.
type Deployer struct {
	options   Options
	id        string
	inventory *store

	// ctx ends with Close, and closing when that begins.
	ctx, closing  context.Context
	cancel, close context.CancelFunc
	goroutines    sync.WaitGroup

	// pruning is for removing objects that left the YAML.
	pruning turn

	mu     sync.Mutex
	closed bool
	// project is that of the last evaluation, nil before the first.
	project *project
	// commands are the custom deploys that were applied in this run, by resource.
	commands map[string]command
	// succeeded are the resources of which a deploy of objects has succeeded.
	succeeded map[string]bool
}

// command is a custom deploy with the environment in which it ran.
type command struct {
	deploy  *model.Deploy
	environ []string
}

var _ engine.Updater = (*Deployer)(nil)

// New returns a Deployer that the caller must Close.
func New(options Options) *Deployer {
	ctx, cancel := context.WithCancel(context.Background())
	closing, closeNow := context.WithCancel(ctx)
	id := inventoryID(options.Project, options.Owner)
	return &Deployer{
		options: options, id: id, inventory: newStore(id), ctx: ctx, cancel: cancel, closing: closing, close: closeNow,
		commands: map[string]command{}, succeeded: map[string]bool{}, pruning: newTurn(),
	}
}

// inventoryID is the value of the annotation that the objects of a project carry.
func inventoryID(project, owner string) string { return url.PathEscape(owner) + "/" + project }

// Close waits until all deploys have ended and what left the Tiltfile is removed, or until ctx ends, and gives up
// what goes on then, and at once what waits for a cluster that is away. The next run removes what is left.
func (d *Deployer) Close(ctx context.Context) {
	d.mu.Lock()
	d.closed = true
	d.mu.Unlock()
	d.close()
	idle := make(chan struct{})
	go func() {
		d.goroutines.Wait()
		close(idle)
	}()
	select {
	case <-idle:
	case <-ctx.Done():
	}
	d.cancel()
	<-idle
	d.options.Projects.set(d, nil)
}

// goes runs f in a goroutine that Close waits for, unless the Deployer is closed.
func (d *Deployer) goes(f func()) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.closed {
		d.goroutines.Go(f)
	}
	return !d.closed
}

// StartUpdate implements engine.Updater for updates of type *model.Deploy.
func (d *Deployer) StartUpdate(request engine.UpdateRequest) (engine.Activity, error) {
	deploy, ok := request.Update.(*model.Deploy)
	if !ok {
		return nil, fmt.Errorf("%v can't be deployed to Kubernetes", request.Update)
	}
	var connection *cluster.Connection
	if deploy.Custom == nil {
		var err error
		if connection, err = d.options.Connect(); err != nil {
			return nil, err
		}
	}
	ctx, cancel := context.WithCancel(d.ctx)
	a := &activity{cancel: cancel, done: make(chan struct{})}
	begun := d.goes(func() {
		defer close(a.done)
		defer cancel()
		if deploy.Custom != nil {
			a.end = d.runCommand(ctx, a, deploy, request)
		} else {
			a.end = d.runObjects(ctx, a, connection, deploy, request)
		}
	})
	if !begun {
		cancel()
		return nil, errors.New("the run has ended")
	}
	return a, nil
}

// first reports whether no deploy of a resource has succeeded in this run.
func (d *Deployer) first(resource string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return !d.succeeded[resource]
}

// runObjects applies the objects of a deploy and prunes those that its resource had before.
func (d *Deployer) runObjects(ctx context.Context, a *activity, c *cluster.Connection, deploy *model.Deploy,
	request engine.UpdateRequest) engine.End {
	defer a.ending.Store(true)
	applied, err := d.apply(ctx, c, deploy, request)
	switch {
	case ctx.Err() != nil:
		return engine.End{Error: "the deploy was stopped"}
	case err != nil:
		return engine.End{Error: err.Error()}
	}
	d.mu.Lock()
	d.succeeded[deploy.Resource] = true
	d.mu.Unlock()
	if err := d.pruneResource(ctx, c, deploy.Resource, printer{request.Log}); err != nil && ctx.Err() == nil {
		request.Log.Append(logs.LevelWarn, "Pruning failed: "+err.Error())
	}
	return engine.End{Output: Applied{
		Objects: applied.objects, TemplateHashes: applied.hashes, At: time.Now(),
	}}
}
