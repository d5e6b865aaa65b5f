// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package live

import (
	"context"
	"regexp"
	"strings"

	tea "charm.land/bubbletea/v2"

	"tilt.dev/session/pkg/model"
	"tilt.dev/session/pkg/session"
	"tilt.dev/session/pkg/view"
)

// change asks for a change of the resource at the cursor, and says that it's done.
func (m *Model) change(done string, do func(ctx context.Context, resource string) error) tea.Cmd {
	at := m.at()
	if at < 0 {
		return nil
	}
	resource := m.visible[at].Name
	if strings.HasPrefix(resource, model.ImagePrefix) {
		return m.say("%s is an image, which is built when a resource that uses it is updated", resource)
	}
	return m.request(func() (answer, error) {
		err := do(m.ctx, resource)
		return func(m *Model) tea.Cmd { return m.say("%s %s", done, resource) }, err
	})
}

func (m *Model) trigger() tea.Cmd { return m.change("triggered", m.options.Control.Trigger) }

// restart ends what runs of a resource and has it begin from scratch.
func (m *Model) restart() tea.Cmd {
	return m.change("restarted", func(ctx context.Context, resource string) error {
		if err := m.options.Control.SetEnabled(ctx, resource, false); err != nil {
			return err
		}
		return m.options.Control.SetEnabled(ctx, resource, true)
	})
}

// toggle enables a disabled resource, and disables another.
func (m *Model) toggle() tea.Cmd {
	at, done := m.at(), "disabled"
	if at < 0 {
		return nil
	}
	enable := m.visible[at].Phase == session.PhaseDisabled
	if enable {
		done = "enabled"
	}
	return m.change(done, func(ctx context.Context, resource string) error {
		return m.options.Control.SetEnabled(ctx, resource, enable)
	})
}

// openPage opens the web page at the row at the cursor. An address to open by hand stays below the table.
func (m *Model) openPage() tea.Cmd {
	if m.options.Page == nil {
		return m.say("this run has no web page")
	}
	resource := m.cursor
	if m.at() < 0 || strings.HasPrefix(resource, model.ImagePrefix) {
		resource = ""
	}
	return m.request(func() (answer, error) {
		address, why, err := m.options.Page(m.ctx, resource)
		return func(m *Model) tea.Cmd {
			if address == "" {
				return m.say("opened the web page in the browser")
			}
			m.address, m.screen, m.hidden = address, screenPage, false
			return m.say("no browser: %v", why)
		}, err
	})
}

// findFirst looks for the last line that matches a regular expression. Letters match both cases if all are small.
func (m *Model) findFirst(text string) tea.Cmd {
	m.find = find{}
	if text == "" {
		return nil
	}
	if text == strings.ToLower(text) {
		text = "(?i)" + text
	}
	pattern, err := regexp.Compile(text)
	if err != nil {
		return m.say("%v", err)
	}
	m.find.pattern = pattern
	m.screen, m.hidden = screenLog, false
	return m.findNext(true)
}

// findNext looks for the next older line that matches, or the next newer one, in all of the log.
func (m *Model) findNext(older bool) tea.Cmd {
	if m.find.pattern == nil {
		return m.say("f finds a text in the log")
	}
	asked := page{resource: m.pane.resource, limit: 1, pattern: m.find.pattern.String()}
	if older {
		asked.last, asked.before = true, m.find.at
	} else {
		asked.since = m.find.at + 1
	}
	generation := m.pane.generation
	return m.request(func() (answer, error) {
		lines, err := asked.read(m.ctx, m.options.Source)
		return func(m *Model) tea.Cmd {
			switch {
			case generation != m.pane.generation:
				return nil
			case len(lines) == 0:
				return m.say("no other line matches; n looks for older ones, N for newer ones")
			}
			m.find.at = lines[0].Seq
			return m.reveal(lines[0].Seq)
		}, err
	})
}

// reveal scrolls the pane to a line, and reads the lines around it if the pane doesn't have them.
func (m *Model) reveal(seq int64) tea.Cmd {
	third := m.layout().pane / 3
	if i := m.pane.index(seq); i < len(m.pane.lines) && m.pane.lines[0].Seq <= seq {
		m.pane.follow, m.pane.top = false, max(0, i-third)
		return nil
	}
	m.pane.loading = true
	resource, generation := m.pane.resource, m.pane.generation
	return m.request(func() (answer, error) {
		before, err := page{resource: resource, before: seq, last: true, limit: pageLines}.read(m.ctx, m.options.Source)
		if err != nil {
			return nil, err
		}
		after, err := page{resource: resource, since: seq, limit: pageLines}.read(m.ctx, m.options.Source)
		return func(m *Model) tea.Cmd {
			if generation == m.pane.generation {
				m.pane.jump(before, after, m.recent)
				m.pane.top = max(0, m.pane.top-third)
			}
			return nil
		}, err
	})
}

// whyTexts say what the row at the cursor waits for, what that waits for, and so on.
func (m *Model) whyTexts() []string {
	at := m.at()
	if at < 0 {
		return nil
	}
	return strings.Split(view.Why(m.visible[at].Chain(), m.options.Style, m.options.Now()), "\n")
}
