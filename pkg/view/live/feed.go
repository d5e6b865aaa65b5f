// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package live

import (
	"context"
	"sync"
	"time"

	tea "charm.land/bubbletea/v2"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
)

const (
	// frame is the least time between two changes of the screen that aren't the answer to a key.
	frame = 80 * time.Millisecond
	// recentLines is how many of the last lines of all resources are at hand.
	recentLines = 5000
)

// line is a line of the log. It doesn't change.
type line = v1alpha1.SessionLogLine

// news is what has changed since the last news.
type news struct {
	// session is nil if it hasn't changed.
	session *v1alpha1.Session
	// lost is why the server can't be reached, nil while it can. It's valid if contact is true.
	contact bool
	lost    error
	lines   []*line
	// skipped is true if more lines were written than are at hand.
	skipped bool
}

// feed gathers news of a source, so that the view hears of them once a frame however many there are.
type feed struct {
	source Source
	// fresh has an element while there are news.
	fresh chan struct{}

	mu      sync.Mutex
	pending news
}

func newFeed(source Source) *feed {
	return &feed{source: source, fresh: make(chan struct{}, 1)}
}

// run passes news to send until ctx is done, and each second a tick.
func (f *feed) run(ctx context.Context, send func(tea.Msg)) {
	var readers sync.WaitGroup
	defer readers.Wait()
	readers.Go(func() {
		f.source.Watch(ctx, func(s *v1alpha1.Session, err error) {
			f.add(func(n *news) {
				n.contact, n.lost = true, err
				if s != nil {
					n.session = s
				}
			})
		})
	})
	readers.Go(func() { f.follow(ctx) })
	ticks := time.NewTicker(time.Second)
	defer ticks.Stop()
	for ctx.Err() == nil {
		select {
		case <-f.fresh:
			send(f.take())
			pause(ctx, frame)
		case <-ticks.C:
			send(tick{})
		case <-ctx.Done():
		}
	}
}

// follow reads the log of all resources to its end. After a loss of contact it goes on after the last line, and after
// the start of another run with the lines of that one.
func (f *feed) follow(ctx context.Context) {
	options := v1alpha1.SessionLogOptions{Follow: true, TailLines: new(int64(recentLines))}
	for ; ctx.Err() == nil; pause(ctx, retry) {
		err := f.source.Log(ctx, options, func(l *line) {
			options.TailLines, options.SinceSeq = nil, &l.Seq
			f.add(func(n *news) { n.add(l) })
		})
		if apierrors.IsResourceExpired(err) { // The watch reports other errors.
			options.TailLines, options.SinceSeq = new(int64(recentLines)), nil
			f.add(func(n *news) { n.lines, n.skipped = nil, true })
		}
	}
}

// add adds a line, and drops the oldest ones if the screen isn't drawn as fast as lines are written.
func (n *news) add(l *line) {
	n.lines = append(n.lines, l)
	if len(n.lines) >= 2*recentLines {
		n.lines = append([]*line(nil), n.lines[recentLines:]...)
		n.skipped = true
	}
}

func (f *feed) add(change func(*news)) {
	f.mu.Lock()
	change(&f.pending)
	f.mu.Unlock()
	select {
	case f.fresh <- struct{}{}:
	default:
	}
}

func (f *feed) take() news {
	f.mu.Lock()
	defer f.mu.Unlock()
	taken := f.pending
	f.pending = news{}
	return taken
}
