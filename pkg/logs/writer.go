// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package logs

import (
	"io"
	"sync"
	"time"

	"k8s.io/utils/clock"
)

// quiet is the time without writes after which an unfinished line is shown. It is longer than the pauses of a
// program that writes a line in pieces, and short enough for a prompt.
const quiet = 200 * time.Millisecond

// longest is the longest time before an unfinished line is shown, however often the source adds to it.
const longest = 500 * time.Millisecond

// Writer splits a stream into lines of a source. It is safe for concurrent use.
type Writer struct {
	store  *Store
	source string

	mu    sync.Mutex
	split splitter
	// timer shows the unfinished line, nil before the first one.
	timer clock.Timer
	// since is when the unfinished line began, or was last shown.
	since time.Time
}

var _ io.WriteCloser = (*Writer)(nil)

// Writer returns a writer of informational lines. The caller closes it, which stores a last line without an end.
func (s *Store) Writer(source string) *Writer {
	w := &Writer{store: s, source: source, split: splitter{limit: MaxLine}}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.writers[w] = struct{}{}
	return w
}

// Write copies p. It never fails and never waits for a reader.
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

// Close ends and stores the unfinished line.
func (w *Writer) Close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.stop()
	w.split.flush()
	w.put()
	w.split = splitter{limit: MaxLine} // Frees memory: blocks refer to the writer.
	w.store.mu.Lock()
	defer w.store.mu.Unlock()
	delete(w.store.writers, w)
	return nil
}

// show stores the unfinished line.
func (w *Writer) show() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.split.show()
	w.put()
	w.since = w.store.clock.Now()
}

// stop stops the timer.
func (w *Writer) stop() {
	if w.timer != nil {
		w.timer.Stop()
	}
}

// put stores the lines of the splitter.
func (w *Writer) put() {
	if w.split.count > 0 {
		w.store.put(w.source, &block{writer: w, lines: w.split.take()})
	}
}
