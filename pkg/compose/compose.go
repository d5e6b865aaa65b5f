// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

// Package compose runs the services of Compose projects.
//
// # Updates
//
// The update of a service is `docker compose build`, for a service that builds itself, and `docker compose up -d
// --no-deps --no-build`. The order of services and the conditions of dependencies are the business of this program.
// Names, labels and networks are those that Compose makes, so the user's own `docker compose ps`, `logs` and `exec`
// work on the project.
// Builds run at the same time; of the services of a project one comes up at a time in this process, because Compose
// creates the project's networks and volumes along with the first. Two runs in one process that name the same project
// but differ in its directory or files are refused.
//
// A service that runs an image of the Tiltfile gets it from one more file, which Compose reads from its standard input.
//
// # Runtimes
//
// The containers are observed by the Engine API, found by their labels: one stream of events for each project, and an
// inspection after each event. After a break everything is inspected, so that nothing is missed; meanwhile the last
// known state stands, and says since when the engine hasn't answered.
//
//	| container                        | report                                                                  |
//	|----------------------------------|-------------------------------------------------------------------------|
//	| created                          | pending                                                                 |
//	| running, without a healthcheck   | ready; `ci` believes it after 5 seconds                                 |
//	| running, starting                | starting                                                                |
//	| running, healthy                 | ready                                                                   |
//	| running, unhealthy               | starting, with the output of the last probe; in `ci` a failure, unless  |
//	|                                  | the Tiltfile sets a readiness timeout                                   |
//	| restarting                       | starting                                                                |
//	| exited with 0                    | succeeded if the engine wouldn't restart it, else a failure             |
//	| exited with another code         | a failure with the code, the signal, whether memory was exhausted       |
//	| paused                           | starting                                                                |
//	| removed by another program       | pending, in `ci` a failure                                              |
//
// Tilt calls a container ready as soon as it runs, and one that has exited with 0 as well. With a scale all containers
// have to be ready. The end of a container is reported when its log was read to its end.
//
// # Ends
//
// A service that is disabled, or that left the Tiltfile, is stopped and its containers are removed. At the end of `ci`
// the containers and networks go that it has created, volumes don't. `up` leaves them. Down removes a project.
// An update that is stopped lets Compose see through what it is making, since the engine makes that in any case.
//
// # Limits
//
// Containers are stopped by the API, so hooks of Compose such as pre_stop don't run then. Of a container with a
// terminal, a line longer than 16 KiB is shown with times within.
package compose

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"tilt.dev/session/pkg/compose/dockerapi"
	"tilt.dev/session/pkg/engine"
	"tilt.dev/session/pkg/logs"
	"tilt.dev/session/pkg/model"
	"tilt.dev/session/pkg/process"
)

// Options configure a Runner.
type Options struct {
	// Start starts commands.
	Start func(process.Spec) (*process.Process, error)
	// Projects are those of all runs of this process.
	Projects *Projects
	// CI is true for a run that ends with a verdict.
	CI bool
	// Helper is the image of a static BusyBox, for live updates of images without tar.
	Helper string
	// Keep leaves containers and networks at the end of the run.
	Keep bool
	// Log gets lines of no resource. Notice tells what is left at the end of the run, when nobody may read the log
	// any more; nil tells the log.
	Log    engine.Log
	Notice func(string)
}

// Runner runs the services of one run. Its methods are safe for concurrent use. It owns the goroutines of its updates,
// runtimes, removals and of the streams of events.
type Runner struct {
	options Options
	// limit is longestQuestion.
	limit time.Duration
	// ctx ends with Close.
	ctx        context.Context
	cancel     context.CancelFunc
	goroutines sync.WaitGroup

	tools   cache[tool]
	clients cache[*dockerapi.Client]

	mu       sync.Mutex
	closed   bool
	projects map[projectKey]*project
	// updating has the update of each service that runs, removing what removes its containers.
	updating map[serviceKey]*update
	removing map[serviceKey]*removal
	// known are the services of the last Tiltfile, and patient those with a readiness timeout of their own.
	known   map[serviceKey]string
	patient map[string]bool
}

var (
	_ engine.Updater = (*Runner)(nil)
	_ engine.Runner  = (*Runner)(nil)
)

// serviceKey is a service, by the names of its project and of itself.
type serviceKey struct{ project, service string }

// New returns a Runner that the caller must Close.
func New(options Options) *Runner {
	ctx, cancel := context.WithCancel(context.Background())
	if options.Notice == nil {
		options.Notice = func(text string) { options.Log.Append(logs.LevelInfo, text) }
	}
	return &Runner{
		options: options, limit: longestQuestion, ctx: ctx, cancel: cancel,
		projects: map[projectKey]*project{}, updating: map[serviceKey]*update{}, removing: map[serviceKey]*removal{},
		patient: map[string]bool{},
	}
}

var errClosed = errors.New("the run has ended")

// StartUpdate implements engine.Updater for a *model.ComposeUp.
func (r *Runner) StartUpdate(request engine.UpdateRequest) (engine.Activity, error) {
	up, ok := request.Update.(*model.ComposeUp)
	if !ok {
		return nil, fmt.Errorf("%v isn't a Compose service", request.Update)
	}
	key := serviceKey{up.Project.Name, up.Service}
	ctx, cancel := context.WithCancel(r.ctx)
	u := &update{runner: r, request: request, up: up, key: key, ctx: ctx, cancel: cancel, done: make(chan struct{})}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		cancel()
		return nil, errClosed
	}
	r.updating[key] = u
	u.after = r.removing[key]
	r.goroutines.Go(u.run)
	return u, nil
}

// ended unregisters an update and has the runtime of its service look again.
func (r *Runner) ended(u *update) {
	r.mu.Lock()
	if r.updating[u.key] == u {
		delete(r.updating, u.key)
	}
	projects := make([]*project, 0, len(r.projects))
	for key, p := range r.projects {
		if key.name == u.key.project {
			projects = append(projects, p)
		}
	}
	r.mu.Unlock()
	for _, p := range projects {
		p.watch.wake(u.key.service)
	}
}

// busy reports whether a service is being updated.
func (r *Runner) busy(key serviceKey) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.updating[key] != nil
}

// StartRuntime implements engine.Runner for a *model.ComposeService. The runtime never ends by itself.
func (r *Runner) StartRuntime(request engine.RuntimeRequest) (engine.Runtime, error) {
	s, err := specOf(request)
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return nil, errClosed
	}
	ctx, cancel := context.WithCancel(r.ctx)
	t := newRuntime(ctx, r, s, cancel)
	r.goroutines.Go(func() { t.run(ctx) })
	return t, nil
}

// waits reports whether a service that is unhealthy in ci still has time.
func (r *Runner) waits(resource string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return !r.options.CI || r.patient[resource]
}

// SetProject tells what the Tiltfile has now. The containers of services that it had before are removed. It doesn't
// block.
func (r *Runner) SetProject(p *model.Project) {
	known, patient := map[serviceKey]string{}, map[string]bool{}
	for i := range p.Resources {
		resource := &p.Resources[i]
		if up, ok := resource.Update.(*model.ComposeUp); ok {
			known[serviceKey{up.Project.Name, up.Service}] = resource.Name
			patient[resource.Name] = resource.ReadinessTimeout > 0 || p.CI != nil && p.CI.ReadinessTimeout != nil
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for key := range r.known {
		if _, ok := known[key]; !ok {
			r.remove(key, r.options.Log)
		}
	}
	r.known, r.patient = known, patient
}

// Disable removes the containers of a resource that was disabled. It doesn't block.
func (r *Runner) Disable(resource *model.Resource, log engine.Log) {
	up, ok := resource.Update.(*model.ComposeUp)
	if !ok {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.remove(serviceKey{up.Project.Name, up.Service}, log)
}

// Close ends what is left and waits for it. In ci it removes what the run has created, as far as it gets until ctx is
// done; the log says what is left.
func (r *Runner) Close(ctx context.Context) {
	r.mu.Lock()
	r.closed = true
	removals := make([]*removal, 0, len(r.removing))
	for _, removal := range r.removing {
		removals = append(removals, removal)
	}
	r.mu.Unlock()
	for _, removal := range removals {
		select {
		case <-removal.done:
		case <-ctx.Done():
		}
	}
	r.cancel()
	r.goroutines.Wait()
	for _, p := range r.projects {
		r.finish(ctx, p)
		r.options.Projects.release(p.key, r)
	}
	for _, c := range r.clients.values() {
		c.Close()
	}
}

// pause waits for a time, unless ctx ends before.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
