// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package logs

import "io"

// Writer splits what's written to it into lines of a source. It isn't for
// concurrent use.
type Writer struct {
	store  *Store
	source string
	split  splitter
}

var _ io.WriteCloser = (*Writer)(nil)

// Writer returns a writer of informational lines. The caller closes it, so that a
// last line without an end is kept too.
func (s *Store) Writer(source string) *Writer {
	return &Writer{store: s, source: source, split: splitter{limit: MaxLine}}
}

// Write never fails and never waits for a reader. It takes a copy of p.
func (w *Writer) Write(p []byte) (int, error) {
	w.split.write(p)
	w.put()
	return len(p), nil
}

// Close adds what was written after the last line end. The writer can be used
// again.
func (w *Writer) Close() error {
	w.split.flush()
	w.put()
	return nil
}

// put hands over the lines that are complete.
func (w *Writer) put() {
	if w.split.count > 0 {
		w.store.put(w.source, LevelInfo, w.split.take())
	}
}
