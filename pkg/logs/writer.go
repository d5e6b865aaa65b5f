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
	lines  builder
}

var _ io.WriteCloser = (*Writer)(nil)

// Writer returns a writer of informational lines. The caller closes it, so that a
// last line without an end is kept too.
func (s *Store) Writer(source string) *Writer {
	return &Writer{store: s, source: source}
}

// Write never fails and never waits for a reader. It takes a copy of p.
func (w *Writer) Write(p []byte) (int, error) {
	w.split.split(p, &w.lines)
	w.flush()
	return len(p), nil
}

// Close adds what was written after the last line end. The writer can be used
// again.
func (w *Writer) Close() error {
	w.split.flush(&w.lines)
	w.flush()
	return nil
}

func (w *Writer) flush() {
	if len(w.lines.ends) > 0 {
		w.store.put(w.source, LevelInfo, w.lines.take())
	}
}
