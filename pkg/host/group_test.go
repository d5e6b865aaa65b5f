// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package host

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// recorder notes what happens to the parts of a group.
type recorder struct {
	mu     sync.Mutex
	events []string
}

func (r *recorder) note(event string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events = append(r.events, event)
}

func (r *recorder) expect(t *testing.T, want string) {
	t.Helper()
	if got := strings.Join(r.events, " "); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// part is ready after a while and stops at once.
func (r *recorder) part(name string, while time.Duration) Part {
	return Part{Name: name, Run: func(ctx context.Context, ready func()) error {
		select {
		case <-time.After(while):
		case <-ctx.Done():
			r.note("-" + name)
			return ctx.Err()
		}
		r.note("+" + name)
		ready()
		<-ctx.Done()
		r.note("-" + name)
		return nil
	}}
}

// failing is a part that ends by itself when it's ready, or before.
func failing(err error, ready bool) Part {
	return Part{Name: "failing part", Run: func(_ context.Context, tell func()) error {
		if ready {
			tell()
		}
		return err
	}}
}

func untilDone(ctx context.Context) error {
	<-ctx.Done()
	return context.Cause(ctx)
}

func TestPartsStartInOrderAndStopInTheOpposite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &recorder{}
		g := &Group{}
		done := errors.New("done")
		err, late := g.Run(t.Context(), [][]Part{{r.part("a", 1)}, {r.part("c", 3), r.part("b", 2)}, {r.part("d", 1)}},
			func(context.Context) error { r.note("client"); return done })
		if !errors.Is(err, done) || late != nil {
			t.Errorf("it ended with %v, %v", err, late)
		}
		r.expect(t, "+a +b +c +d client -d -b -c -a")
	})
}

func TestFirstFailureEndsTheGroup(t *testing.T) {
	failure := errors.New("it broke")
	for _, test := range []struct {
		part Part
		want string
	}{
		{failing(failure, false), "it broke"},
		{failing(failure, true), "the failing part has stopped: it broke"},
		{failing(nil, true), "the failing part has stopped"},
		{failing(nil, false), "the failing part has stopped"},
	} {
		synctest.Test(t, func(t *testing.T) {
			r := &recorder{}
			g := &Group{}
			err, late := g.Run(t.Context(), [][]Part{{r.part("a", 0)}, {r.part("slow", time.Hour), test.part}}, untilDone)
			if err == nil || err.Error() != test.want || late != nil {
				t.Errorf("it ended with %v, %v, want %s", err, late, test.want)
			}
			r.expect(t, "+a -slow -a")
		})
	}
}

func TestErrorsOfStopping(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broken := errors.New("can't be closed")
		g := &Group{}
		err, late := g.Run(t.Context(), [][]Part{{{Name: "a", Run: func(ctx context.Context, ready func()) error {
			ready()
			<-ctx.Done()
			return broken
		}}}}, func(context.Context) error { return nil })
		if err != nil || !errors.Is(late, broken) {
			t.Errorf("it ended with %v, %v", err, late)
		}
	})
}

// The first signal ends the group, the second hurries the parts, and the user reads what takes so long.
func TestSignals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &recorder{}
		signals := make(chan os.Signal, 2)
		var notices []string
		g := &Group{Signals: signals, Notice: func(text string) { notices = append(notices, text) }}
		hurried := make(chan struct{})
		stubborn := Part{Name: "stubborn", Patience: "Waiting.", Hurry: func() { close(hurried) }, Run: func(ctx context.Context, ready func()) error {
			ready()
			<-ctx.Done()
			<-hurried
			r.note("-stubborn")
			return nil
		}}
		time.AfterFunc(time.Second, func() { signals <- os.Interrupt })
		time.AfterFunc(time.Second+2*patience, func() { signals <- os.Interrupt })
		err, late := g.Run(t.Context(), [][]Part{{r.part("a", 0)}, {stubborn}}, untilDone)
		if signal := new(SignalError); !errors.As(err, &signal) || signal.Signal != os.Interrupt || late != nil {
			t.Errorf("it ended with %v, %v", err, late)
		}
		r.expect(t, "+a -stubborn -a")
		if !slices.Equal(notices, []string{"Waiting."}) {
			t.Errorf("the user read %q", notices)
		}
	})
}

// A signal ends the start, too.
func TestSignalDuringTheStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &recorder{}
		signals := make(chan os.Signal, 1)
		g := &Group{Signals: signals}
		time.AfterFunc(time.Second, func() { signals <- os.Interrupt })
		err, late := g.Run(t.Context(), [][]Part{{r.part("a", 0)}, {r.part("slow", time.Hour)}, {r.part("never", 0)}}, untilDone)
		if !errors.As(err, new(*SignalError)) || late != nil {
			t.Errorf("it ended with %v, %v", err, late)
		}
		r.expect(t, "+a -slow -a")
	})
}
