// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package logs

import (
	"io"
	"sync"
	"time"

	"k8s.io/utils/clock"
)

// quiet is how long a writer writes nothing before a line that has begun is shown:
// longer than the pauses within a line of a program that writes it in pieces, and
// short enough for a person who waits for a prompt.
const quiet = 200 * time.Millisecond

// longest is how long a line that has begun isn't shown at most, however often
// something is added to it.
const longest = 500 * time.Millisecond

// Writer splits what's written to it into lines of a source. It's safe for
// concurrent use.
type Writer struct {
	store  *Store
	source string

	mu    sync.Mutex
	split splitter
	// timer shows a line that has begun, nil before there was one.
	timer clock.Timer
	// since is when that began, or was shown last.
	since time.Time
}

var _ io.WriteCloser = (*Writer)(nil)

// Writer returns a writer of informational lines. The caller closes it, so that a
// last line without an end is kept too.
func (s *Store) Writer(source string) *Writer {
	w := &Writer{store: s, source: source, split: splitter{limit: MaxLine}}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.writers[w] = struct{}{}
	return w
}

// Write never fails and never waits for a reader. It takes a copy of p.
func (w *Writer) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	begun := len(w.split.rest) > 0
	w.split.write(p)
	now := w.store.clock.Now()
	if !begun || w.split.count > 0 {
		w.since = now
	}
	w.put()
	delay := min(quiet, w.since.Add(longest).Sub(now))
	switch {
	case len(w.split.rest) == 0:
		w.stop()
	case w.timer == nil:
		w.timer = w.store.clock.AfterFunc(delay, w.show)
	default:
		w.timer.Reset(delay)
	}
	return len(p), nil
}

// Close adds what was written after the last line end, and ends that line.
func (w *Writer) Close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.stop()
	w.split.flush()
	w.put()
	w.split = splitter{limit: MaxLine} // The store's blocks keep the writer.
	w.store.mu.Lock()
	defer w.store.mu.Unlock()
	delete(w.store.writers, w)
	return nil
}

// show adds a line that has begun.
func (w *Writer) show() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.split.show()
	w.put()
	w.since = w.store.clock.Now()
}

// stop keeps a line that has begun from being shown.
func (w *Writer) stop() {
	if w.timer != nil {
		w.timer.Stop()
	}
}

// put hands over the lines that are complete.
func (w *Writer) put() {
	if w.split.count > 0 {
		w.store.put(w.source, &block{writer: w, lines: w.split.take()})
	}
}
