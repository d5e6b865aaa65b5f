// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package compose

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	"tilt.dev/session/pkg/compose/dockerapi"
)

const (
	// pulse is how often an engine is asked whether it answers, and answerTime how long that may take.
	pulse      = 15 * time.Second
	answerTime = 10 * time.Second
	// checkup is how often containers are inspected whose healthcheck fails, of which there is no event.
	checkup = 2 * time.Second
	// Between two attempts to reach an engine.
	firstPause   = 250 * time.Millisecond
	longestPause = 5 * time.Second
)

// watcher follows the containers of a project.
type watcher struct {
	client *dockerapi.Client
	label  string
	// asked holds a value after ask.
	asked chan struct{}

	mu         sync.Mutex
	containers map[string]*dockerapi.Container
	// wanted counts the calls of ask, and seen says which of them everything was inspected after.
	wanted, seen int
	// away says since when the engine doesn't answer and why, empty while it does.
	away string
	// skew is by how much the clock of the engine is ahead. began is when that was known first, by that clock.
	skew        time.Duration
	began       time.Time
	subscribers map[chan struct{}]string
}

func newWatcher(client *dockerapi.Client, project string) *watcher {
	return &watcher{
		client: client, label: labelProject + "=" + project, asked: make(chan struct{}, 1), wanted: 1,
		containers: map[string]*dockerapi.Container{}, subscribers: map[chan struct{}]string{},
	}
}

// view is what is known of a service.
type view struct {
	// containers are in the order of their numbers.
	containers []*dockerapi.Container
	// seen is the last call of ask that it is later than, 0 if nothing is known.
	seen  int
	away  string
	skew  time.Duration
	began time.Time
}

// ask has everything inspected again, and returns the number by which a view shows that it was.
func (w *watcher) ask() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.wanted++
	select {
	case w.asked <- struct{}{}:
	default:
	}
	return w.wanted
}

func (w *watcher) view(service string) view {
	w.mu.Lock()
	defer w.mu.Unlock()
	v := view{seen: w.seen, away: w.away, skew: w.skew, began: w.began}
	for _, c := range w.containers {
		if c.Config.Labels[labelService] == service && c.Config.Labels[labelOneOff] != "True" {
			v.containers = append(v.containers, c)
		}
	}
	slices.SortFunc(v.containers, func(a, b *dockerapi.Container) int {
		if d := number(a) - number(b); d != 0 {
			return d
		}
		return a.Created.Compare(b.Created)
	})
	return v
}

// number is which container of its service one is.
func number(c *dockerapi.Container) int {
	n, _ := strconv.Atoi(c.Config.Labels[labelNumber])
	return n
}

// subscribe has changed hold a value after each change of a service.
func (w *watcher) subscribe(service string, changed chan struct{}) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.subscribers[changed] = service
}

func (w *watcher) unsubscribe(changed chan struct{}) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.subscribers, changed)
}

// wake tells the subscribers of a service, or of all services, that something has changed.
func (w *watcher) wake(services ...string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for changed, service := range w.subscribers {
		if len(services) > 0 && !slices.Contains(services, service) {
			continue
		}
		select {
		case changed <- struct{}{}:
		default:
		}
	}
}

func (w *watcher) run(ctx context.Context) {
	delay := firstPause
	for {
		reached, err := w.follow(ctx)
		if ctx.Err() != nil {
			return
		}
		w.mu.Lock()
		if reached || w.away == "" {
			delay = firstPause
			w.away = fmt.Sprintf("docker engine not reachable since %s: %v", time.Now().Format(time.TimeOnly), err)
		}
		w.mu.Unlock()
		w.wake()
		pause(ctx, delay)
		delay = min(2*delay, longestPause)
	}
}

// follow follows the project until the connection breaks. reached is true once everything was inspected.
func (w *watcher) follow(ctx context.Context) (reached bool, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	now, err := w.ping(ctx)
	if err != nil {
		return false, err
	}
	w.mu.Lock()
	w.skew = now.Sub(time.Now().Truncate(time.Second))
	if w.began.IsZero() {
		w.began = now.Add(-time.Second)
	}
	w.mu.Unlock()
	// An event after the inspection isn't missed, since the stream begins before that.
	events, err := w.client.Events(ctx, now.Add(-time.Second), w.label)
	if err != nil {
		return false, err
	}
	changed, broken := make(chan string), make(chan error, 1)
	var reading sync.WaitGroup
	reading.Go(func() { broken <- read(ctx, events, changed) })
	defer reading.Wait()
	defer events.Close()
	if err := w.inspectAll(ctx); err != nil {
		return false, err
	}
	return true, w.listen(ctx, changed, broken)
}

func (w *watcher) ping(ctx context.Context) (time.Time, error) {
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	return w.client.Now(ctx)
}

// read passes on what changed, until the stream ends.
func read(ctx context.Context, events *dockerapi.Events, changed chan<- string) error {
	for {
		id, err := events.Next()
		if err != nil {
			return err
		}
		select {
		case changed <- id:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// listen inspects what changes, until the connection breaks.
func (w *watcher) listen(ctx context.Context, changed <-chan string, broken <-chan error) error {
	pulses, checkups := time.NewTicker(pulse), time.NewTicker(checkup)
	defer pulses.Stop()
	defer checkups.Stop()
	for {
		var err error
		select {
		case <-ctx.Done():
			return ctx.Err()
		case err := <-broken:
			return err
		case id := <-changed:
			err = w.inspect(ctx, id)
		case <-w.asked:
			err = w.inspectAll(ctx)
		case <-pulses.C:
			_, err = w.ping(ctx)
		case <-checkups.C:
			for _, id := range w.ailing() {
				err = w.inspect(ctx, id)
			}
		}
		if err != nil {
			return err
		}
	}
}

// ailing are the containers that aren't healthy.
func (w *watcher) ailing() (ids []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for id, c := range w.containers {
		if h := c.State.Health; h != nil && h.Status != dockerapi.HealthHealthy && c.State.Status == dockerapi.StatusRunning {
			ids = append(ids, id)
		}
	}
	return ids
}

// inspectAll inspects all containers of the project.
func (w *watcher) inspectAll(ctx context.Context) error {
	w.mu.Lock()
	wanted := w.wanted
	w.mu.Unlock()
	ids, err := w.client.Containers(ctx, w.label)
	if err != nil {
		return err
	}
	containers := make(map[string]*dockerapi.Container, len(ids))
	for _, id := range ids {
		c, err := w.client.Inspect(ctx, id)
		if dockerapi.IsNotFound(err) {
			continue
		}
		if err != nil {
			return err
		}
		containers[id] = c
	}
	w.mu.Lock()
	w.containers, w.seen, w.away = containers, wanted, ""
	w.mu.Unlock()
	w.wake()
	return nil
}

// inspect inspects a container that has changed.
func (w *watcher) inspect(ctx context.Context, id string) error {
	c, err := w.client.Inspect(ctx, id)
	if err != nil && !dockerapi.IsNotFound(err) {
		return err
	}
	w.mu.Lock()
	before := w.containers[id]
	if c != nil {
		w.containers[id] = c
	} else {
		delete(w.containers, id)
	}
	w.mu.Unlock()
	for _, c := range []*dockerapi.Container{before, c} {
		if c != nil {
			w.wake(c.Config.Labels[labelService])
		}
	}
	return nil
}
