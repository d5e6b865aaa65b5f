// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// browser is a program in the place of the user's, which writes the addresses that it is to open to a file.
func browser(t *testing.T) (env []string, opened func(number int) string) {
	t.Helper()
	dir := t.TempDir()
	script := "#!/bin/sh\necho \"$1\" >> " + filepath.Join(dir, "opened") + "\n"
	if err := os.WriteFile(filepath.Join(dir, "browser"), []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	env = []string{"BROWSER=" + filepath.Join(dir, "browser"), "DISPLAY=:0", "SSH_CONNECTION="}
	return env, func(number int) (address string) {
		t.Helper()
		until(t, "the browser opens the page", func(context.Context) error {
			text, _ := os.ReadFile(filepath.Join(dir, "opened"))
			lines := strings.SplitAfter(string(text), "\n")
			if len(lines) <= number+1 {
				return errors.New("it has opened " + string(text))
			}
			address = strings.TrimSuffix(lines[number], "\n")
			return nil
		})
		return address
	}
}

// logsIn checks that an address logs in, and where it leads.
func logsIn(t *testing.T, address, to string) {
	t.Helper()
	l, err := newLogin(address)
	if err != nil {
		t.Fatal(err)
	}
	l.client.CloseIdleConnections()
	if l.to != to {
		t.Errorf("%s leads to %q, want %q", address, l.to, to)
	}
}

// TestPageInABrowser opens the page when the server is ready, by a key, and by the command ui on a terminal.
func TestPageInABrowser(t *testing.T) {
	t.Parallel()
	env, opened := browser(t)
	c := onConsole(t, onTerminal, env, "up", "--open", "--kill-grace", "100ms")
	logsIn(t, opened(0), "%2Fs%2FTiltfile")
	c.shows("catalog    ready")
	c.press("/cata\rw")
	c.shows("opened the web page in the browser")
	logsIn(t, opened(1), "%2Fs%2FTiltfile%2Fr%2Fcatalog")

	at, err := url.Parse(opened(1))
	if err != nil {
		t.Fatal(err)
	}
	ui := onConsole(t, "", append(env, "HOME="+c.command.Dir, "TILT_PORT="+at.Port()), "ui")
	logsIn(t, opened(2), "")
	ui.ends(0)
	ui.shows("The browser shows the web page; --print-url prints its address instead.")
	c.press("\x03")
	c.ends(0)
	if strings.Contains(c.written(), "#login=") {
		t.Error("a code is on the terminal, though a browser was opened")
	}
}

// TestPageWithoutABrowser shows the address, which stays until it is left.
func TestPageWithoutABrowser(t *testing.T) {
	t.Parallel()
	c := onConsole(t, onTerminal, []string{"DISPLAY=", "WAYLAND_DISPLAY=", "SSH_CONNECTION=1 2 3 4"}, "up", "--kill-grace", "100ms")
	c.shows("catalog    ready")
	c.press("/cata\rw")
	c.shows("no browser: this is a session over SSH")
	logsIn(t, firstAddress(c.text()), "%2Fs%2FTiltfile%2Fr%2Fcatalog")
	c.press("s") // Plain lines begin with an address of their own.
	c.shows("Web: http://127.0.0.1:")
	c.restored()
	_, plain, _ := strings.Cut(c.text(), "Web: ")
	logsIn(t, firstAddress(plain), "")
	c.press("\x03")
	c.ends(0)
}
