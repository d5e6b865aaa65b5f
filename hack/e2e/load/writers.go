// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package load

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	sessionclient "tilt.dev/session/pkg/generated/clientset/versioned/typed/core/v1alpha1"
)

const (
	// pace is how often a writer writes.
	pace = 10 * time.Millisecond
	// patience is how long whatever is waited for may take.
	patience = time.Minute
	// label has the number of a write.
	label = "load"
)

// Failure is a request that has failed for good.
type Failure struct {
	At   time.Time
	What string
	Err  error
}

func (f Failure) String() string {
	return fmt.Sprintf("%s %s: %v", f.At.Format("05.000"), f.What, f.Err)
}

// Write is a change that was acknowledged.
type Write struct {
	Name string
	// Number counts the writes of a Session.
	Number int
}

// Writers write until End.
type Writers struct {
	t        testing.TB
	sessions sessionclient.SessionInterface
	stop     context.CancelFunc
	running  sync.WaitGroup

	mu       sync.Mutex
	written  []Write
	requests int
	failures []Failure
}

// StartWriters starts a number of them. Each makes a Session whose name begins with
// a prefix, writes it, and reads it after that.
func StartWriters(t testing.TB, sessions sessionclient.SessionInterface, prefix string, number int) *Writers {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	w := &Writers{t: t, sessions: sessions, stop: stop}
	t.Cleanup(func() { w.End() })
	for i := range number {
		name := fmt.Sprintf("%s-%d", prefix, i)
		_, err := sessions.Create(ctx, &v1alpha1.Session{
			ObjectMeta: metav1.ObjectMeta{Name: name},
			Spec:       v1alpha1.SessionSpec{TiltfilePath: "/load/Tiltfile", ExitCondition: v1alpha1.ExitConditionManual},
		}, metav1.CreateOptions{})
		if err != nil {
			t.Fatalf("a Session for load: %v", err)
		}
		w.running.Go(func() { w.write(ctx, name) })
	}
	return w
}

// GoOn returns when another so many changes have been acknowledged.
func (w *Writers) GoOn(changes int) {
	w.t.Helper()
	_, before := w.Written()
	err := wait.PollUntilContextTimeout(context.Background(), pace, patience, true, func(context.Context) (bool, error) {
		_, now := w.Written()
		return now >= before+changes, nil
	})
	if err != nil {
		w.t.Fatalf("waiting for %d more changes: %v, after %v", changes, err, w.Failures())
	}
}

// End ends the writers, each after the request that it has sent.
func (w *Writers) End() {
	w.stop()
	w.running.Wait()
}

// Written is what was acknowledged so far, and how much that is.
func (w *Writers) Written() ([]Write, int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.written[:len(w.written):len(w.written)], len(w.written)
}

// Failures are what has failed so far.
func (w *Writers) Failures() []Failure {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.failures[:len(w.failures):len(w.failures)]
}

// Requests is how many were answered, with failures.
func (w *Writers) Requests() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.requests
}

func (w *Writers) write(ctx context.Context, name string) {
	ticker := time.NewTicker(pace)
	defer ticker.Stop()
	// A request that was sent is let end.
	requests := context.WithoutCancel(ctx)
	for number := 1; ; number++ {
		patch := []byte(fmt.Sprintf(`{"metadata":{"labels":{%q:"%d"}}}`, label, number))
		_, err := w.sessions.Patch(requests, name, types.MergePatchType, patch, metav1.PatchOptions{})
		w.record("writing "+name, err)
		if err == nil {
			w.acknowledge(Write{name, number})
		}
		_, err = w.sessions.Get(requests, name, metav1.GetOptions{})
		w.record("reading "+name, err)
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

func (w *Writers) record(what string, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.requests++
	if err != nil {
		w.failures = append(w.failures, Failure{time.Now(), what, err})
	}
}

func (w *Writers) acknowledge(write Write) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.written = append(w.written, write)
}
