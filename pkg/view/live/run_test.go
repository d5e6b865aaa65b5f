// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package live

import (
	"context"
	"errors"
	"io"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/vt"
	"github.com/creack/pty"
	"golang.org/x/term"
)

// TestRunRestoresTheTerminal ends a view by its context and by a panic.
func TestRunRestoresTheTerminal(t *testing.T) {
	for name, panics := range map[string]bool{"context": false, "panic": true} {
		t.Run(name, func(t *testing.T) {
			master, tty, err := pty.Open()
			if err != nil {
				t.Fatal(err)
			}
			if err := pty.Setsize(tty, &pty.Winsize{Cols: 80, Rows: 24}); err != nil {
				t.Fatal(err)
			}
			screen := vt.NewSafeEmulator(80, 24)
			var work sync.WaitGroup
			work.Go(func() { _, _ = io.Copy(screen, master) })
			work.Go(func() { _, _ = io.Copy(master, screen) })
			defer work.Wait()
			defer screen.InputPipe().(io.Closer).Close()
			defer master.Close()
			defer tty.Close()
			before, err := term.GetState(int(tty.Fd()))
			if err != nil {
				t.Fatal(err)
			}

			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			log := demoLog()
			work.Go(func() {
				for deadline := time.Now().Add(time.Minute); ctx.Err() == nil && time.Now().Before(deadline); pause(ctx, 5*time.Millisecond) {
					if screen.IsAltScreen() && strings.Contains(screen.Render(), "catalog") {
						break
					}
				}
				cancel()
			})
			ending, err := Run(ctx, tty, tty, Options{Source: log, Control: log, Now: func() time.Time {
				if panics {
					panic("no clock")
				}
				return noon
			}, Zone: time.UTC})
			if ending != EndedByContext || errors.Is(err, tea.ErrProgramPanic) != panics || !panics && err != nil {
				t.Errorf("ending %v, %v", ending, err)
			}
			after, err := term.GetState(int(tty.Fd()))
			if err != nil || !reflect.DeepEqual(before, after) {
				t.Errorf("the modes of the terminal are %+v, were %+v: %v", after, before, err)
			}
			for range 1000 {
				if !screen.IsAltScreen() {
					return
				}
				pause(t.Context(), 5*time.Millisecond)
			}
			t.Error("the alternate screen is left")
		})
	}
}

// BenchmarkFrame is a change of one of 500 resources and 800 lines of output, as a frame of a busy run has them.
func BenchmarkFrame(b *testing.B) {
	log := longLog(recentLines)
	m := NewModel(b.Context(), Options{Source: log, Control: log, Now: func() time.Time { return noon }, Zone: time.UTC})
	m.Update(tea.WindowSizeMsg{Width: 140, Height: 40})
	session := many(500)
	for b.Loop() {
		m.Update(news{session: session, contact: true, lines: log.lines[:800]})
		m.View()
	}
}
