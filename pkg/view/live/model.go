// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package live

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/view"
)

// Options are the settings of a view beside its source.
type Options struct {
	Source  Source
	Control Control
	// Title is what the run is called.
	Title string
	// Serves says where the API is served, for the help.
	Serves string
	// Page opens the web page at a resource, at the Session without one. Without a browser it returns the address to
	// open by hand, and why. It is nil without a page.
	Page func(ctx context.Context, resource string) (address string, why, err error)
	// Own is true if the run ends with the view.
	Own bool
	// Style is how the terminal shows texts.
	Style view.Style
	// Now is the clock, Zone the time zone of time stamps.
	Now  func() time.Time
	Zone *time.Location
}

// Ending is how a view has ended.
type Ending uint8

const (
	// EndedByContext is a view whose context was done.
	EndedByContext Ending = iota
	// EndedByUser is a view that the user has left.
	EndedByUser
	// EndedForStream is a view that the user has left for plain lines.
	EndedForStream
)

// screen is what the lower part of the view shows.
type screen uint8

const (
	screenLog screen = iota
	screenWhy
	screenHelp
	screenPage
)

// prompt is what the last line asks for.
type prompt uint8

const (
	promptNone prompt = iota
	promptFilter
	promptFind
	promptQuit
)

// flashTime is how long the last line shows a message.
const flashTime = 5 * time.Second

// Model is the state of a view. It implements tea.Model; only the loop of a program uses it.
type Model struct {
	options Options
	// ctx is done when the view ends. It's for the requests that keys make.
	ctx   context.Context
	marks marks

	width, height int
	session       *v1alpha1.Session
	lost          error
	// rows are all rows, visible those that pass the filter, in the order of the table.
	rows, visible []*view.Row
	// nameWidth is that of the longest name.
	nameWidth int
	order     order
	// places are known of the rows of the names located.
	places  places
	located []string
	filter  string
	// cursor is the name of the row that keys are for.
	cursor string

	pane   pane
	recent []*line
	// last is the text of the last line of each resource that isn't blank, and no message of the run itself.
	last map[string]string
	find find

	screen screen
	// address is that of the web page, to be opened by hand.
	address          string
	full, hidden     bool
	wrap, timestamps bool
	// each is true if the pane shows the log of the row at the cursor.
	each bool

	prompt  prompt
	typed   string
	flash   string
	flashed time.Time
	ending  Ending
	// suspension stops the process, nil where that can't be.
	suspension tea.ExecCommand
}

// find is what is looked for in the log.
type find struct {
	pattern *regexp.Regexp
	// at is the number of the line that was found last, 0 if none was.
	at int64
}

// NewModel returns the state of a view that has heard nothing yet. ctx is done when the view ends.
func NewModel(ctx context.Context, options Options) *Model {
	m := &Model{options: options, ctx: ctx, marks: marksOf(options.Style), width: 80, height: 24,
		last: map[string]string{}}
	m.pane.show("", nil)
	return m
}

type (
	// tick is sent each second, for the times.
	tick struct{}
	// answer changes the model when a request has been answered.
	answer func(*Model) tea.Cmd
)

// Init implements tea.Model.
func (m *Model) Init() tea.Cmd { return nil }

// Update implements tea.Model.
func (m *Model) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	var cmd tea.Cmd
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		m.width, m.height = msg.Width, msg.Height
	case news:
		m.learn(msg)
		cmd = m.locate()
	case tick:
		if m.flash != "" && m.options.Now().Sub(m.flashed) > flashTime {
			m.flash = ""
		}
	case answer:
		cmd = msg(m)
	case tea.PasteMsg:
		if m.prompt == promptFilter || m.prompt == promptFind {
			m.typed += strings.Join(strings.Fields(msg.Content), " ")
		}
	case suspend:
		cmd = m.suspend()
	case tea.KeyPressMsg:
		cmd = m.press(msg)
	default:
		return m, nil
	}
	return m, tea.Batch(cmd, m.load())
}

// load reads what the pane doesn't have and shows.
func (m *Model) load() tea.Cmd {
	rows := m.layout().pane
	asked := m.pane.missing(rows)
	if asked == nil || rows == 0 {
		return nil
	}
	return m.read(*asked)
}

// read reads a page of the log into the pane.
func (m *Model) read(asked page) tea.Cmd {
	m.pane.loading = true
	generation := m.pane.generation
	return m.request(func() (answer, error) {
		lines, err := asked.read(m.ctx, m.options.Source)
		return func(m *Model) tea.Cmd {
			switch {
			case m.pane.generation != generation:
			case err != nil:
				m.pane.stalled = true
				return m.say("%v", err)
			default:
				m.pane.loaded(asked, lines, m.recent)
			}
			return nil
		}, nil
	})
}

// request makes a request in the background. The last line shows its error.
func (m *Model) request(do func() (answer, error)) tea.Cmd {
	return func() tea.Msg {
		then, err := do()
		if err != nil {
			return answer(func(m *Model) tea.Cmd { return m.say("%v", err) })
		}
		return then
	}
}

// suspend stops the process until the shell continues it.
func (m *Model) suspend() tea.Cmd {
	if m.suspension == nil {
		return nil
	}
	return tea.Exec(m.suspension, nil)
}

// say shows a message in the last line.
func (m *Model) say(format string, args ...any) tea.Cmd {
	m.flash, m.flashed = plain(fmt.Sprintf(format, args...)), m.options.Now()
	return nil
}

// learn takes in news.
func (m *Model) learn(n news) {
	if n.contact {
		m.lost = n.lost
		m.pane.loading = m.pane.loading && (n.lost != nil || !m.pane.stalled)
	}
	if n.session != nil {
		m.session = n.session
		m.rows, m.nameWidth = view.Rows(n.session), 0
		for _, r := range m.rows {
			m.nameWidth = max(m.nameWidth, ansi.StringWidth(r.Name))
		}
		m.arrange()
	}
	if n.skipped {
		m.recent = nil
		m.pane.show(m.pane.resource, nil)
	}
	for _, l := range n.lines {
		if l.Level == v1alpha1.SessionLogLevelInfo && strings.TrimSpace(l.Text) != "" {
			m.last[l.Resource] = l.Text
		}
	}
	m.recent = append(m.recent, n.lines...)
	if len(m.recent) > 2*recentLines {
		m.recent = slices.Clone(m.recent[len(m.recent)-recentLines:])
	}
	m.pane.add(n.lines)
}

// arrange filters and sorts the rows.
func (m *Model) arrange() {
	m.visible = make([]*view.Row, 0, len(m.rows))
	for _, r := range m.rows {
		if m.filter == "" || strings.Contains(strings.ToLower(r.Name), strings.ToLower(m.filter)) {
			m.visible = append(m.visible, r)
		}
	}
	m.places.sort(m.visible)
	m.order.sort(m.visible, m.options.Now())
	if m.at() < 0 && len(m.visible) > 0 {
		m.cursor = m.visible[0].Name
	}
}

// at is the index of the row at the cursor, -1 if there is none.
func (m *Model) at() int {
	return slices.IndexFunc(m.visible, func(r *view.Row) bool { return r.Name == m.cursor })
}
