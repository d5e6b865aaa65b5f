// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package webpage

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// program puts a script on a PATH that has nothing else.
func program(t *testing.T, name, text string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+text+"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir)
	return dir
}

// TestFindBrowser is when a browser is opened that the user sees.
func TestFindBrowser(t *testing.T) {
	for _, test := range []struct {
		name, system, program, env string
		// want are the words of the command for the address URL, or what the error has.
		want, err string
	}{
		{"X11", "linux", "xdg-open", "DISPLAY=:0", "xdg-open URL", ""},
		{"Wayland", "linux", "xdg-open", "WAYLAND_DISPLAY=wayland-0", "xdg-open URL", ""},
		{"no display", "linux", "xdg-open", "", "", "neither DISPLAY nor WAYLAND_DISPLAY is set"},
		{"SSH with a display", "linux", "xdg-open", "DISPLAY=:10 SSH_CONNECTION=1", "", "over SSH"},
		{"CI", "linux", "xdg-open", "DISPLAY=:0 CI=true", "", "CI is set"},
		{"not CI", "linux", "xdg-open", "DISPLAY=:0 CI=false", "xdg-open URL", ""},
		{"nothing there", "linux", "other", "DISPLAY=:0", "", "xdg-open isn't on PATH; name a browser"},
		{"chosen", "linux", "firefox", "DISPLAY=:0 BROWSER=firefox", "firefox URL", ""},
		{"chosen with words", "linux", "firefox", "DISPLAY=:0 BROWSER=firefox,--private,%s,-x", "firefox --private URL -x", ""},
		{"second choice", "linux", "firefox", "DISPLAY=:0 BROWSER=none::firefox", "firefox URL", ""},
		{"none chosen", "linux", "xdg-open", "DISPLAY=:0 BROWSER=none", "", "BROWSER=none names no program on PATH"},
		{"chosen without a display", "linux", "firefox", "BROWSER=firefox", "", "neither DISPLAY nor"},
		{"Mac", "darwin", "open", "", "open URL", ""},
		{"Mac over SSH", "darwin", "open", "SSH_CONNECTION=1", "", "over SSH"},
	} {
		t.Run(test.name, func(t *testing.T) {
			program(t, test.program, "")
			env := map[string]string{}
			for _, variable := range strings.Fields(test.env) {
				key, value, _ := strings.Cut(variable, "=")
				env[key] = strings.ReplaceAll(value, ",", " ")
			}
			browser, err := findBrowser(test.system, func(key string) string { return env[key] })
			if test.err != "" {
				if err == nil || !strings.Contains(err.Error(), test.err) {
					t.Errorf("error %v, want %q", err, test.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(browser.command("URL"), " "); got != test.want {
				t.Errorf("command %q, want %q", got, test.want)
			}
		})
	}
}

// TestOpen hands the address over as it is, without the input of this process, and tells a failure.
func TestOpen(t *testing.T) {
	out := filepath.Join(t.TempDir(), "out")
	t.Setenv("OUT", out)
	address := "http://127.0.0.1:1/ui/#login=A&to=%2Fs%2Fa;b $(c)"
	program(t, "browser", `{ echo "$1"; read line || echo "no input"; } > "$OUT"`)
	if err := (Browser{[]string{"browser"}}).Open(t.Context(), address); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(out)
	if want := address + "\nno input\n"; err != nil || string(got) != want {
		t.Errorf("got %q %v, want %q", got, err, want)
	}

	program(t, "browser", "exit 3")
	err = (Browser{[]string{"browser"}}).Open(t.Context(), address)
	if err == nil || err.Error() != "browser failed: exit status 3" {
		t.Errorf("error %v", err)
	}
	if err := (Browser{[]string{filepath.Join(t.TempDir(), "none")}}).Open(t.Context(), address); err == nil {
		t.Error("a browser that isn't there was started")
	}
}

// TestOpenForeground leaves a browser alone that runs for longer than the one who waits for it.
func TestOpenForeground(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("OUT", dir)
	path := os.Getenv("PATH")
	program(t, "browser", `PATH="`+path+`"; mkfifo "$OUT/end"; mkdir "$OUT/began"; read line < "$OUT/end"; mkdir "$OUT/ended"`)
	ctx, cancel := context.WithCancel(t.Context())
	began := make(chan struct{})
	go func() {
		defer close(began)
		await(t, filepath.Join(dir, "began"))
		cancel()
	}()
	if err := (Browser{[]string{"browser"}}).Open(ctx, "URL"); err != nil {
		t.Error(err)
	}
	<-began
	if err := os.WriteFile(filepath.Join(dir, "end"), []byte("\n"), 0o600); err != nil {
		t.Error(err)
	}
	await(t, filepath.Join(dir, "ended"))
}

// await waits for a file.
func await(t *testing.T, name string) {
	t.Helper()
	limit := time.After(20 * time.Second)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		if _, err := os.Stat(name); err == nil {
			return
		}
		select {
		case <-tick.C:
		case <-limit:
			t.Errorf("%s never came", name)
			return
		}
	}
}
