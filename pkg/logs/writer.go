// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package logs

import (
	"bytes"
	"io"
	"sync"
	"time"
	"unicode/utf8"

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

// splitter splits a stream of bytes into lines. The lines don't depend on how the stream was divided into writes.
type splitter struct {
	// limit is the largest number of bytes in a line, at least utf8.UTFMax.
	limit int
	// rest is the unfinished last line: at most limit bytes, and one that may belong to the line's end.
	rest []byte
	// text holds the lines since the last take, each followed by "\n".
	text  []byte
	count int
	// continues is true if the next line continues one that was taken unfinished.
	continues bool
}

// write splits the next bytes of the stream.
func (s *splitter) write(p []byte) {
	if end := bytes.LastIndexByte(p, '\n') + 1; end > 0 {
		if s.plain(p[:end]) {
			s.text = append(append(s.text, s.rest...), p[:end]...)
			s.count += bytes.Count(p[:end], []byte{'\n'})
			s.rest = s.rest[:0]
		} else {
			s.writeLines(p[:end])
		}
		p = p[end:]
	}
	s.rest = append(s.rest, p...)
	s.cutRest()
}

// plain reports whether lines, including the unfinished one before them, need no
// change: none is too long or ends with a carriage return.
func (s *splitter) plain(p []byte) bool {
	return len(s.rest)+len(p) <= s.limit && !bytes.Contains(p, []byte("\r\n")) &&
		(p[0] != '\n' || !bytes.HasSuffix(s.rest, []byte{'\r'}))
}

// writeLines splits complete lines one by one.
func (s *splitter) writeLines(p []byte) {
	for line := range bytes.Lines(p) {
		line = line[:len(line)-1]
		if len(s.rest) > 0 {
			s.rest = append(s.rest, line...)
			line = s.rest
			s.rest = s.rest[:0]
		}
		s.end(line)
	}
}

// flush ends the unfinished line.
func (s *splitter) flush() {
	if len(s.rest) > 0 {
		s.end(s.rest)
		s.rest = nil
	}
}

// show adds the unfinished line without an end. It keeps back bytes that may be
// part of the line's end or of a character.
func (s *splitter) show() {
	n := len(bytes.TrimSuffix(s.rest, []byte{'\r'}))
	if last := lastRune(s.rest[:n]); !utf8.FullRune(s.rest[last:n]) {
		n = last
	}
	if n == 0 {
		return
	}
	s.text = append(s.text, s.rest[:n]...)
	s.count++
	s.rest = append(s.rest[:0], s.rest[n:]...)
}

// lastRune is the index at which the last character begins, or may begin.
func lastRune(p []byte) int {
	for i := len(p) - 1; i >= 0 && i >= len(p)-utf8.UTFMax; i-- {
		if utf8.RuneStart(p[i]) {
			return i
		}
	}
	return len(p)
}

// take returns the lines since the last take.
func (s *splitter) take() lines {
	if s.count == 0 {
		return lines{}
	}
	taken := lines{text: string(s.text), count: s.count, continues: s.continues}
	s.text, s.count, s.continues = s.text[:0], 0, taken.unfinished()
	return taken
}

// end adds a complete line, without a carriage return at its end, and in pieces if it is too long.
func (s *splitter) end(line []byte) {
	line = bytes.TrimSuffix(line, []byte{'\r'})
	for len(line) > s.limit {
		n := s.piece(line)
		s.add(line[:n])
		line = line[n:]
	}
	s.add(line)
}

// cutRest adds pieces of the unfinished line if it is too long already.
func (s *splitter) cutRest() {
	cut := 0
	for len(s.rest)-cut > s.limit+1 {
		n := s.piece(s.rest[cut:])
		s.add(s.rest[cut : cut+n])
		cut += n
	}
	if cut > 0 {
		s.rest = append(s.rest[:0], s.rest[cut:]...)
	}
}

// piece returns the length of the first piece of a line that is too long.
func (s *splitter) piece(line []byte) int {
	for n := s.limit; n > s.limit-utf8.UTFMax; n-- {
		if n > 0 && utf8.RuneStart(line[n]) {
			return n
		}
	}
	return s.limit
}

func (s *splitter) add(line []byte) {
	s.text = append(append(s.text, line...), '\n')
	s.count++
}
