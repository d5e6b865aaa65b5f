// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package live

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/session"
	"tilt.dev/session/pkg/view"
)

// Status draws one line below all that is written through it. It is safe for concurrent use. Every call writes once.
type Status struct {
	out   io.Writer
	marks marks
	style view.Style
	// width returns the width of the terminal.
	width func() int

	mu   sync.Mutex
	text string
	// drawn is true while the line is on the screen, open while the line above it has no end yet.
	drawn, open bool
}

// NewStatus returns a line at the end of out, which is a terminal. It isn't drawn before Run.
func NewStatus(out io.Writer, style view.Style, width func() int) *Status {
	return &Status{out: out, marks: marksOf(style), style: style, width: width}
}

// erase takes the line away.
const erase = "\r\x1b[K"

// Write writes to the terminal, with the line below it.
func (s *Status) Write(p []byte) (int, error) { return s.write(s.out, p) }

// Through returns a writer to another file that is on the same terminal.
func (s *Status) Through(w io.Writer) io.Writer {
	return writer(func(p []byte) (int, error) { return s.write(w, p) })
}

type writer func([]byte) (int, error)

func (w writer) Write(p []byte) (int, error) { return w(p) }

func (s *Status) write(w io.Writer, p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open = p[len(p)-1] != '\n'
	var whole bytes.Buffer
	before := 0
	if s.drawn {
		before, _ = whole.WriteString(erase)
	}
	whole.Write(p)
	s.drawn = s.text != "" && !s.open
	if s.drawn {
		whole.WriteString(s.text)
	}
	n, err := w.Write(whole.Bytes())
	return max(0, min(n-before, len(p))), err
}

// set changes the line, and takes it away for an empty text.
func (s *Status) set(text string) {
	text = s.marks.cut(text, s.width()-1)
	s.mu.Lock()
	defer s.mu.Unlock()
	if text == s.text {
		return
	}
	s.text = text
	if s.open || text == "" && !s.drawn {
		return
	}
	s.drawn = text != ""
	_, _ = io.WriteString(s.out, erase+text) // The next line that is written returns the error.
}

// Run shows how a Session is until ctx is done, and takes the line away.
func (s *Status) Run(ctx context.Context, source Source, now func() time.Time) {
	defer s.set("")
	var work sync.WaitGroup
	defer work.Wait()
	changed := make(chan *v1alpha1.Session, 1)
	work.Go(func() {
		source.Watch(ctx, func(latest *v1alpha1.Session, _ error) {
			if latest == nil {
				return
			}
			select {
			case <-changed: // An earlier one that wasn't seen.
			default:
			}
			changed <- latest
		})
	})
	ticks := time.NewTicker(time.Second)
	defer ticks.Stop()
	for latest := (*v1alpha1.Session)(nil); ctx.Err() == nil; {
		select {
		case latest = <-changed:
		case <-ticks.C:
		case <-ctx.Done():
			return
		}
		if latest != nil {
			s.set(s.describe(latest, now()))
			pause(ctx, frame)
		}
	}
}

// describe is a Session in one line: its summary, then what runs.
func (s *Status) describe(latest *v1alpha1.Session, now time.Time) string {
	text := plain(view.Summarize(latest, now).String())
	var busy []string
	for _, r := range view.Rows(latest) {
		if r.Phase == session.PhaseActive {
			busy = append(busy, plain(fmt.Sprintf("%s %s", r.Name, view.Duration(r.Time(now).Truncate(time.Second)))))
		}
	}
	if len(busy) > 0 {
		text += "  " + s.marks.point + " " + strings.Join(busy, ", ")
	}
	return s.style.Paint(faint, text)
}
