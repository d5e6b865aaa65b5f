// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package live

import (
	"strings"
	"unicode/utf8"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"
)

// press does what a key is for.
func (m *Model) press(key tea.KeyPressMsg) tea.Cmd {
	switch key.String() {
	case "ctrl+c":
		return m.leave(EndedByUser)
	case "ctrl+z":
		return m.suspend()
	}
	if m.prompt != promptNone {
		return m.respond(key)
	}
	m.flash = ""
	if cmd, known := m.pressAction(key.String()); known {
		return cmd
	}
	m.pressMove(key.String())
	return nil
}

// leave ends the view.
func (m *Model) leave(ending Ending) tea.Cmd {
	m.ending = ending
	return tea.Quit
}

// pressAction does what a key is for that isn't for moving about, and reports whether there is such a key.
func (m *Model) pressAction(key string) (cmd tea.Cmd, known bool) {
	switch key {
	case "q":
		if m.options.Own {
			m.prompt = promptQuit
			return nil, true
		}
		return m.leave(EndedByUser), true
	case "s":
		return m.leave(EndedForStream), true
	case "/":
		m.prompt, m.typed = promptFilter, ""
	case "f":
		m.prompt, m.typed = promptFind, ""
	case "n":
		return m.findNext(true), true
	case "N":
		return m.findNext(false), true
	case "t", "r":
		return m.trigger(), true
	case "R":
		return m.restart(), true
	case "e":
		return m.toggle(), true
	case "w":
		return m.openPage(), true
	case "y":
		return m.copyPane(), true
	case "a":
		m.each = !m.each
		return m.focus(), true
	case "enter":
		m.full, m.each, m.screen = true, true, screenLog
		return m.focus(), true
	default:
		return nil, m.pressSwitch(key)
	}
	return nil, true
}

// pressSwitch changes what is shown, and reports whether the key is for that.
func (m *Model) pressSwitch(key string) (known bool) {
	switch key {
	case "esc":
		m.back()
	case "d":
		m.screen, m.hidden = toggled(m.screen, screenWhy), false
	case "?":
		m.screen, m.hidden = toggled(m.screen, screenHelp), false
	case "l":
		m.hidden, m.full, m.screen = !m.hidden, false, screenLog
	case "o":
		m.order = (m.order + 1) % orders
		m.arrange()
		m.say("rows %s", m.order.word())
	case "W":
		m.wrap = !m.wrap
	case "T":
		m.timestamps = !m.timestamps
	default:
		return false
	}
	return true
}

func toggled(now, to screen) screen {
	if now == to {
		return screenLog
	}
	return to
}

// back leaves the last thing that was entered.
func (m *Model) back() {
	switch {
	case m.screen != screenLog:
		m.screen = screenLog
	case m.find.pattern != nil:
		m.find = find{}
	case m.full:
		m.full = false
	case m.filter != "":
		m.filter = ""
		m.arrange()
	}
}

// pressMove moves the cursor, or the log where only that is shown.
func (m *Model) pressMove(key string) {
	rows := m.layout().pane
	switch key {
	case "up", "k":
		m.move(-1)
	case "down", "j":
		m.move(1)
	case "pgup", "ctrl+b", "ctrl+u":
		m.pane.scroll(-max(1, rows-1), rows)
	case "pgdown", "space", "ctrl+f", "ctrl+d":
		m.pane.scroll(max(1, rows-1), rows)
	case "g", "home":
		m.pane.scroll(-len(m.pane.lines), rows)
	case "G", "end":
		m.pane.follow = true
	}
}

// move moves by a row, or by a line of the log where that fills the screen.
func (m *Model) move(by int) {
	if m.full {
		m.pane.scroll(by, m.layout().pane)
		return
	}
	if n := len(m.visible); n > 0 {
		m.cursor = m.visible[max(0, min(n-1, m.at()+by))].Name
	}
}

// focus shows the log of the row at the cursor, or of all.
func (m *Model) focus() tea.Cmd {
	resource := ""
	if m.each {
		resource = m.cursor
	}
	if resource == m.pane.resource {
		return nil
	}
	m.find.at = 0
	m.pane.show(resource, m.recent)
	return m.read(page{resource: resource, last: true, limit: pageLines})
}

// respond takes a key as the answer to a question.
func (m *Model) respond(key tea.KeyPressMsg) tea.Cmd {
	asked := m.prompt
	switch name := key.String(); {
	case asked == promptQuit:
		m.prompt = promptNone
		if name == "y" || name == "enter" {
			return m.leave(EndedByUser)
		}
	case name == "esc":
		m.prompt = promptNone
	case name == "backspace":
		_, size := utf8.DecodeLastRuneInString(m.typed)
		m.typed = m.typed[:len(m.typed)-size]
	case name == "enter":
		m.prompt = promptNone
		if asked == promptFind {
			return m.findFirst(m.typed)
		}
	default:
		m.typed += key.Text
	}
	if asked == promptFilter && key.String() != "esc" {
		m.filter = m.typed
		m.arrange()
	}
	return nil
}

// copyPane copies what the pane shows, the address of the web page alone, to the clipboard of the terminal.
func (m *Model) copyPane() tea.Cmd {
	if m.screen == screenPage {
		m.say("copied the address, if the terminal allows that")
		return tea.SetClipboard(m.address)
	}
	m.say("copied what the log shows, if the terminal allows that")
	return tea.SetClipboard(ansi.Strip(strings.Join(m.drawLower(m.layout().pane), "\n")) + "\n")
}
