// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package load

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/tools/cache"
	toolswatch "k8s.io/client-go/tools/watch"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	sessionclient "tilt.dev/session/pkg/generated/clientset/versioned/typed/core/v1alpha1"
)

// Watcher watches Sessions until the test ends. When its watch ends it goes on with
// another from the last version that it has seen, as clients do.
type Watcher struct {
	t      testing.TB
	prefix string
	watch  *toolswatch.RetryWatcher

	mu   sync.Mutex
	seen map[Write]bool
	last map[string]int
	// watches is how many there were, one after the other.
	watches int
	wrong   []string
}

// StartWatcher watches the Sessions whose names begin with a prefix, from now on.
func StartWatcher(t testing.TB, sessions sessionclient.SessionInterface, prefix string) *Watcher {
	t.Helper()
	list, err := sessions.List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatalf("a list to watch from: %v", err)
	}
	w := &Watcher{t: t, prefix: prefix, seen: map[Write]bool{}, last: map[string]int{}}
	ctx, stop := context.WithCancel(context.Background())
	w.watch, err = toolswatch.NewRetryWatcherWithContext(ctx, list.ResourceVersion, &cache.ListWatch{
		WatchFuncWithContext: func(ctx context.Context, options metav1.ListOptions) (watch.Interface, error) {
			w.mu.Lock()
			w.watches++
			w.mu.Unlock()
			return sessions.Watch(ctx, options)
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	var taking sync.WaitGroup
	taking.Go(w.take)
	t.Cleanup(func() {
		stop()
		<-w.watch.Done()
		taking.Wait()
	})
	return w
}

// Await returns when all that was written is seen, and fails the test if something
// was seen twice, in another order or not at all.
func (w *Watcher) Await(written []Write) {
	w.t.Helper()
	err := wait.PollUntilContextTimeout(context.Background(), pace, patience, true, func(context.Context) (bool, error) {
		return w.missing(written) == "", nil
	})
	if err != nil {
		w.t.Errorf("of %d changes the watcher has missed %s", len(written), w.missing(written))
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, wrong := range w.wrong {
		w.t.Error(wrong)
	}
}

// Watches is how many there were, one after the other.
func (w *Watcher) Watches() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.watches
}

func (w *Watcher) missing(written []Write) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var missing []string
	for _, write := range written {
		if !w.seen[write] {
			missing = append(missing, fmt.Sprintf("%s:%d", write.Name, write.Number))
		}
	}
	return strings.Join(missing, " ")
}

// take ends with the watch.
func (w *Watcher) take() {
	for event := range w.watch.ResultChan() {
		w.note(event)
	}
}

func (w *Watcher) note(event watch.Event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	session, ok := event.Object.(*v1alpha1.Session)
	if !ok || event.Type != watch.Added && event.Type != watch.Modified {
		w.wrong = append(w.wrong, fmt.Sprintf("the watcher was sent %s %v", event.Type, event.Object))
		return
	}
	number, err := strconv.Atoi(session.Labels[label])
	if !strings.HasPrefix(session.Name, w.prefix) || err != nil {
		return
	}
	if last := w.last[session.Name]; number <= last {
		w.wrong = append(w.wrong, fmt.Sprintf("%s: change %d was seen after %d", session.Name, number, last))
	}
	w.last[session.Name] = number
	w.seen[Write{session.Name, number}] = true
}
