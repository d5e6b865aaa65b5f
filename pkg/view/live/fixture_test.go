// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package live

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/view"
)

var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

func at(seconds float64) metav1.MicroTime {
	return metav1.NewMicroTime(noon.Add(time.Duration(seconds * float64(time.Second))))
}

// targets makes targets from words: NAME=STATE, where STATE is ok, ready, run, start, none, off, fail:ERROR or
// wait:NAME,...
func targets(words ...string) []v1alpha1.Target {
	var list []v1alpha1.Target
	for _, word := range words {
		name, state, _ := strings.Cut(word, "=")
		kind, detail, _ := strings.Cut(state, ":")
		t := v1alpha1.Target{Name: name + ":update", Type: v1alpha1.TargetTypeJob, Resources: []string{name}}
		switch kind {
		case "ok":
			t.State.Terminated = &v1alpha1.TargetStateTerminated{StartTime: at(0), FinishTime: at(0.6)}
		case "fail":
			code := int32(1)
			t.State.Terminated = &v1alpha1.TargetStateTerminated{
				StartTime: at(1), FinishTime: at(4.1), Error: detail, ExitCode: &code,
			}
		case "ready", "start":
			t.Name, t.Type = name+":serve", v1alpha1.TargetTypeServer
			t.State.Active = &v1alpha1.TargetStateActive{StartTime: at(1), Ready: kind == "ready", LastReadyTime: at(2)}
		case "run":
			t.State.Active = &v1alpha1.TargetStateActive{StartTime: at(2)}
		case "wait":
			since := at(1)
			t.State.Waiting = &v1alpha1.TargetStateWaiting{WaitReason: "waiting-for-dep", Since: &since}
			t.State.Waiting.On = strings.Split(detail, ",")
		case "off":
			t.State.Disabled = &v1alpha1.TargetStateDisabled{}
		}
		list = append(list, t)
	}
	return list
}

func sessionOf(targets []v1alpha1.Target) *v1alpha1.Session {
	return &v1alpha1.Session{
		ObjectMeta: metav1.ObjectMeta{Name: "Tiltfile"},
		Spec:       v1alpha1.SessionSpec{TiltfilePath: "/src/demo/Tiltfile", ExitCondition: v1alpha1.ExitConditionManual},
		Status:     v1alpha1.SessionStatus{StartTime: at(0), Targets: targets},
	}
}

func demo() *v1alpha1.Session {
	return sessionOf(targets("(Tiltfile)=ok", "catalog=ready", "load-test=none", "migrate=ok", "orders=fail:Process 7 exited with code 1",
		"smoke=wait:orders:update,worker:update", "worker=run"))
}

// source is a Source in memory, and the Control of nothing.
type source struct {
	lines  []*line
	places map[string]int32

	mu    sync.Mutex
	asked []string
	err   error
}

func (s *source) Watch(ctx context.Context, changed func(*v1alpha1.Session, error)) {
	changed(demo(), nil)
	<-ctx.Done()
}

func (s *source) Log(ctx context.Context, options v1alpha1.SessionLogOptions, each func(*line)) error {
	s.mu.Lock()
	err := s.err
	s.mu.Unlock()
	if err != nil {
		return err
	}
	var selected []*line
	for _, l := range s.lines {
		switch {
		case len(options.Resources) > 0 && options.Resources[0] != l.Resource:
		case options.SinceSeq != nil && l.Seq <= *options.SinceSeq:
		case options.BeforeSeq != nil && l.Seq >= *options.BeforeSeq:
		case options.Grep != "" && !regexp.MustCompile(options.Grep).MatchString(l.Text):
		default:
			selected = append(selected, l)
		}
	}
	if limit := options.LimitLines; limit != nil && options.BeforeSeq != nil {
		selected = selected[max(0, len(selected)-int(*limit)):]
	} else if limit != nil {
		selected = selected[:min(len(selected), int(*limit))]
	}
	for _, l := range selected {
		each(l)
	}
	if options.Follow {
		<-ctx.Done()
	}
	return nil
}

func (s *source) Places(context.Context) map[string]int32 { return s.places }

func (s *source) ask(what string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = append(s.asked, what)
	return s.err
}

func (s *source) Trigger(_ context.Context, resource string) error {
	return s.ask("trigger " + resource)
}

func (s *source) SetEnabled(_ context.Context, resource string, enabled bool) error {
	return s.ask(fmt.Sprintf("enable %v %s", enabled, resource))
}

// add adds lines such as "catalog: text".
func (s *source) add(lines ...string) {
	for _, l := range lines {
		resource, text, _ := strings.Cut(l, ": ")
		seq := int64(len(s.lines) + 1)
		s.lines = append(s.lines, &line{
			Seq: seq, Time: at(float64(seq) / 100), Resource: resource, Level: v1alpha1.SessionLogLevelInfo, Text: text,
		})
	}
}

func demoLog() *source {
	s := &source{}
	s.add("(Tiltfile): Successfully loaded Tiltfile", "migrate: the data is at version 2", "catalog: reading products",
		"orders: bind: address already in use", "worker: \x1b[33mcompiling\x1b[0m main.go",
		"catalog: listening on http://127.0.0.1:27480", "worker: 10%\r55% of 世界")
	return s
}

// screenOf is a view of a size that has heard of a Session and a log.
func screenOf(t *testing.T, width, height int, s *v1alpha1.Session, log *source, style view.Style) *Model {
	t.Helper()
	m := NewModel(t.Context(), Options{
		Source: log, Control: log, Title: "up", Own: true, Serves: "serves sessions.tilt.dev on https://localhost:10350",
		Style: style, Now: func() time.Time { return noon.Add(12 * time.Second) }, Zone: time.UTC,
	})
	settle(m, tea.WindowSizeMsg{Width: width, Height: height})
	settle(m, news{session: s, contact: true, lines: log.lines})
	return m
}

// settle has a model take a message, and all answers that follow from it.
func settle(m *Model, msg tea.Msg) {
	pending := []tea.Msg{msg}
	for len(pending) > 0 {
		msg, pending = pending[0], pending[1:]
		if batch, ok := msg.(tea.BatchMsg); ok {
			for _, cmd := range batch {
				if cmd != nil {
					pending = append(pending, cmd())
				}
			}
			continue
		}
		_, cmd := m.Update(msg)
		if cmd != nil {
			pending = append(pending, cmd())
		}
	}
}

// keys presses keys: letters, and names in angle brackets.
func keys(m *Model, text string) {
	named := map[string]rune{
		"enter": tea.KeyEnter, "esc": tea.KeyEscape, "up": tea.KeyUp, "down": tea.KeyDown, "pgup": tea.KeyPgUp,
		"pgdown": tea.KeyPgDown, "backspace": tea.KeyBackspace,
	}
	for len(text) > 0 {
		if text[0] == '<' {
			name, rest, _ := strings.Cut(text[1:], ">")
			settle(m, tea.KeyPressMsg{Code: named[name]})
			text = rest
			continue
		}
		settle(m, tea.KeyPressMsg{Code: rune(text[0]), Text: text[:1]})
		text = text[1:]
	}
}

// frameOf is what a model draws, checked to fit the screen.
func frameOf(t *testing.T, m *Model) string {
	t.Helper()
	drawn := strings.Split(m.View().Content, "\n")
	if len(drawn) != m.height {
		t.Errorf("%d rows are drawn, want %d", len(drawn), m.height)
	}
	for i, row := range drawn {
		if width := ansi.StringWidth(row); width > m.width {
			t.Errorf("row %d has a width of %d, want at most %d: %q", i, width, m.width, row)
		}
	}
	return strings.Join(drawn, "\n") + "\n"
}
