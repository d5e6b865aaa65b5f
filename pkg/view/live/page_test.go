// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package live

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"tilt.dev/session/pkg/view"
)

// TestPage opens the web page at the row at the cursor, and shows an address that is to be opened by hand.
func TestPage(t *testing.T) {
	m := screenOf(t, 80, 24, demo(), demoLog(), view.Style{})
	keys(m, "w")
	if got := frameOf(t, m); !strings.Contains(got, "this run has no web page") {
		t.Errorf("without a page:\n%s", got)
	}

	var asked []string
	address, why, failure := "", error(nil), error(nil)
	m.options.Page = func(_ context.Context, resource string) (string, error, error) {
		asked = append(asked, resource)
		return address, why, failure
	}
	keys(m, "<down>w")
	if got := frameOf(t, m); !strings.Contains(got, "opened the web page in the browser") {
		t.Errorf("in a browser:\n%s", got)
	}

	address = "http://127.0.0.1:10350/ui/#login=ABCDEFGHIJKLMNOPQRSTUVWXYZ&to=%2Fs%2FTiltfile%2Fr%2Fcatalog"
	why = errors.New("this is a session over SSH")
	keys(m, "lw") // The pane is hidden before.
	got := frameOf(t, m)
	whole := strings.ReplaceAll(ansi.Strip(got), "\n", "")
	for _, want := range []string{address, "web page", "no browser: this is a session over SSH", "It logs in once"} {
		if !strings.Contains(whole, want) {
			t.Errorf("%q is missing:\n%s", want, got)
		}
	}
	keys(m, "<down>")
	if !strings.Contains(frameOf(t, m), "#login=") {
		t.Error("the address goes away by itself")
	}
	_, copied := m.Update(tea.KeyPressMsg{Code: 'y', Text: "y"})
	if text := fmt.Sprint(copied()); text != address {
		t.Errorf("y copies %q, want the address alone", text)
	}
	keys(m, "<esc>")
	if got := frameOf(t, m); strings.Contains(got, "#login=") {
		t.Errorf("esc leaves the address on the screen:\n%s", got)
	}

	failure = errors.New("the server has no web page")
	keys(m, "w")
	if got := frameOf(t, m); !strings.Contains(got, failure.Error()) {
		t.Errorf("after a failure:\n%s", got)
	}
	if want := "catalog catalog load-test"; strings.Join(asked, " ") != want {
		t.Errorf("asked for %q, want %q", asked, want)
	}
}
