// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package webpage

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"time"

	"tilt.dev/session/pkg/view"
)

// Browser is the command that opens an address in the user's browser.
type Browser struct{ argv []string }

// String is the command without an address.
func (b Browser) String() string { return strings.Join(b.argv, " ") }

// FindBrowser returns the user's browser, or why there is none that the user would see.
func FindBrowser(getenv func(string) string) (Browser, error) {
	return findBrowser(runtime.GOOS, getenv)
}

func findBrowser(system string, getenv func(string) string) (Browser, error) {
	opener := "xdg-open"
	switch {
	case view.Truthy(getenv("CI")):
		return Browser{}, errors.New("the environment variable CI is set")
	case getenv("SSH_CONNECTION") != "":
		return Browser{}, errors.New("this is a session over SSH; ssh -L forwards the port of the address")
	case system == "darwin":
		opener = "open"
	case getenv("DISPLAY") == "" && getenv("WAYLAND_DISPLAY") == "":
		return Browser{}, errors.New("neither DISPLAY nor WAYLAND_DISPLAY is set")
	}
	chosen := getenv("BROWSER")
	if chosen == "" {
		chosen = opener
	}
	for choice := range strings.SplitSeq(chosen, ":") {
		argv := strings.Fields(choice)
		if len(argv) == 0 {
			continue
		}
		if _, err := exec.LookPath(argv[0]); err == nil {
			return Browser{argv}, nil
		}
	}
	if chosen == opener {
		return Browser{}, fmt.Errorf("%s isn't on PATH; name a browser in the environment variable BROWSER", opener)
	}
	return Browser{}, fmt.Errorf("BROWSER=%s names no program on PATH", chosen)
}

// openTime is how long a browser may take to fail. One that runs for longer shows the address.
const openTime = 2 * time.Second

// Open opens an address. The browser goes on when ctx is done and when this process ends: it gets a process group of
// its own, so that Ctrl-C doesn't end it. It stays in the session of the terminal, because processes in others are
// taken for what a run has left behind.
func (b Browser) Open(ctx context.Context, address string) error {
	argv := b.command(address)
	cmd := exec.Command(argv[0], argv[1:]...) //nolint:gosec,noctx // The user has chosen it, and it outlives ctx.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start %s: %w", argv[0], err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }() // It ends with the browser, which nothing here may end.
	limit := time.NewTimer(openTime)
	defer limit.Stop()
	select {
	case err := <-ended:
		if err != nil {
			return fmt.Errorf("%s failed: %w", argv[0], err)
		}
	case <-limit.C:
	case <-ctx.Done():
	}
	return nil
}

// command is the command for an address, which takes the place of %s, or comes last.
func (b Browser) command(address string) []string {
	var argv []string
	placed := false
	for _, word := range b.argv {
		placed = placed || strings.Contains(word, "%s")
		argv = append(argv, strings.ReplaceAll(word, "%s", address))
	}
	if !placed {
		argv = append(argv, address)
	}
	return argv
}
