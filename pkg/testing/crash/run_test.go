// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package crash

import (
	"context"
	"errors"
	"maps"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// shelf is what survives the processes of a test. Faults are what is done to it between two of them, or by them.
type shelf struct {
	mu      sync.Mutex
	objects map[string]Object
	events  []Event
	version int64
	faults  faults
}

type faults struct {
	between     func(*shelf)
	acknowledge func(version int64) (int64, error)
	deliver     func([]Event) []Event
	ready       error
}

func (s *shelf) Start() (Process, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.faults.between != nil && len(s.events) > 50 {
		s.faults.between(s)
	}
	return &shelfProcess{shelf: s, dead: make(chan struct{})}, nil
}

var errDead = errors.New("the process is dead")

// shelfProcess is a process of a test.
type shelfProcess struct {
	shelf *shelf
	once  sync.Once
	dead  chan struct{}
}

// change makes a change, and acknowledges it unless the process dies.
func (p *shelfProcess) change(do func(s *shelf, version int64)) (int64, error) {
	time.Sleep(50 * time.Microsecond) // as a disk would take
	p.shelf.mu.Lock()
	defer p.shelf.mu.Unlock()
	select {
	case <-p.dead:
		return 0, errDead
	default:
	}
	p.shelf.version++
	do(p.shelf, p.shelf.version)
	if p.shelf.faults.acknowledge != nil {
		return p.shelf.faults.acknowledge(p.shelf.version)
	}
	return p.shelf.version, nil
}

func (p *shelfProcess) Ready(context.Context) error { return p.shelf.faults.ready }

func (p *shelfProcess) Create(_ context.Context, name, content string) (int64, error) {
	return p.change(func(s *shelf, version int64) {
		s.objects[name] = Object{content, version}
		s.events = append(s.events, Event{Object: s.objects[name], Name: name})
	})
}

func (p *shelfProcess) Update(ctx context.Context, name, content string, _ int64) (int64, error) {
	return p.Create(ctx, name, content)
}

func (p *shelfProcess) Delete(_ context.Context, name string, _ int64) error {
	_, err := p.change(func(s *shelf, version int64) {
		s.events = append(s.events, Event{Object: Object{s.objects[name].Content, version}, Name: name, Deleted: true})
		delete(s.objects, name)
	})
	return err
}

func (p *shelfProcess) List(context.Context) (map[string]Object, int64, error) {
	p.shelf.mu.Lock()
	defer p.shelf.mu.Unlock()
	return maps.Clone(p.shelf.objects), p.shelf.version, nil
}

func (p *shelfProcess) Watch(ctx context.Context, version int64, seen func(Event) error) error {
	for {
		p.shelf.mu.Lock()
		var events []Event
		for _, event := range p.shelf.events {
			if event.Version > version {
				events = append(events, event)
			}
		}
		if p.shelf.faults.deliver != nil && len(events) > 0 {
			events = p.shelf.faults.deliver(events)
		}
		p.shelf.mu.Unlock()
		for _, event := range events {
			if err := seen(event); err != nil {
				return err
			}
			version = event.Version
		}
		select {
		case <-ctx.Done():
			return nil
		case <-p.dead:
			return nil
		case <-time.After(100 * time.Microsecond):
		}
	}
}

func (p *shelfProcess) Kill() error {
	p.once.Do(func() { close(p.dead) })
	return nil
}

func TestRun(t *testing.T) {
	last := func(s *shelf) Event { return s.events[len(s.events)-1] }
	for name, c := range map[string]struct {
		faults faults
		want   string
	}{
		"nothing wrong": {},
		"lost write": {faults{between: func(s *shelf) {
			delete(s.objects, last(s).Name)
			s.objects["object-0-0"] = Object{"before", 1}
		}}, "found "},
		"half write": {faults{between: func(s *shelf) {
			for name, object := range s.objects {
				s.objects[name] = Object{object.Content[:len(object.Content)/2], object.Version}
			}
		}}, "found version"},
		"invented object":   {faults{between: func(s *shelf) { s.objects["new"] = Object{} }}, "which no client has written"},
		"version goes back": {faults{between: func(s *shelf) { s.version = 10 }}, "the store is at version 10, and was at"},
		"version of the future": {faults{between: func(s *shelf) {
			for name, object := range s.objects {
				s.objects[name] = Object{object.Content, s.version + 1}
			}
		}}, "and the store is at"},
		"lost event": {faults{between: func(s *shelf) { s.events[len(s.events)-1].Name = "object-0-0" }}, "the watch has seen"},
		"other event": {faults{deliver: func(events []Event) []Event {
			events[0].Content = "other"
			return events
		}}, "the watch has seen"},
		"event twice":    {faults{deliver: func(events []Event) []Event { return append(events, events[0]) }}, "after version"},
		"invented event": {faults{deliver: func(events []Event) []Event { return append(events, Event{Object{"", 1 << 40}, "new", false}) }}, "no client has written"},
		"version reused": {faults{acknowledge: func(int64) (int64, error) { return 1, nil }}, "before it began"},
		"refused":        {faults{acknowledge: func(int64) (int64, error) { return 0, errors.New("no reason") }}, "no reason"},
		"doesn't start":  {faults{ready: errors.New("no port")}, "waiting until it is ready: no port"},
	} {
		t.Run(name, func(t *testing.T) {
			subject := &shelf{objects: map[string]Object{}, faults: c.faults}
			summary, err := Run(t.Context(), subject, Options{Kills: 40, Seed: 1, Writers: 4, Objects: 5, Size: 100, Life: 10 * time.Millisecond})
			switch {
			case c.want == "" && err != nil:
				t.Errorf("%v, after %+v", err, summary)
			case c.want == "" && (summary.Kills != 40 || summary.Early == 0 || summary.Acknowledged == 0 || summary.Watched < summary.Acknowledged || summary.Version == 0):
				t.Errorf("it did %+v", summary)
			case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
				t.Errorf("it says %v, want %q", err, c.want)
			}
		})
	}
}

func TestRunChecksBetween(t *testing.T) {
	wrong := errors.New("bad page")
	_, err := Run(t.Context(), &shelf{objects: map[string]Object{}}, Options{
		Kills: 2, Writers: 1, Objects: 1, Size: 1, Life: time.Millisecond, Between: func() error { return wrong },
	})
	if !errors.Is(err, wrong) {
		t.Errorf("it says %v", err)
	}
}
