// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package liveupdate

import (
	"errors"
	"fmt"
	"strings"
)

// missing reports whether a command wasn't found in the container. Runtimes say that in different ways: by an error
// that begins no command, or by an exit code and words in place of the output.
func missing(err error) bool {
	if err == nil || errors.Is(err, ErrGone) || errors.Is(err, ErrAway) {
		return false
	}
	var exit *ExitError
	if errors.As(err, &exit) {
		return exit.Code == 126 || exit.Code == 127
	}
	text := strings.ToLower(err.Error())
	notFound := strings.Contains(text, "executable file") && strings.Contains(text, "not found")
	return strings.Contains(text, "exec") && (notFound || strings.Contains(text, "no such file or directory"))
}

// hints are what to do about failures, by what commands say of them.
var hints = []struct{ said, hint string }{
	{"permission denied", deniedHint},
	{"operation not permitted", deniedHint},
	{"read-only file system", "its root file system is read-only: mount a volume such as an emptyDir where the files " +
		"go, or leave out readOnlyRootFilesystem where you develop"},
	{"no space left", "the disk of its node or volume is full"},
	{"device or resource busy", "a volume is mounted there, which can't be removed: sync what is in it"},
}

const deniedHint = "its user may not write there: have it own the files (COPY --chown in the Dockerfile), or run the " +
	"container as root where you develop"

// explain says which container the failure of a command is about, and what to do.
func explain(c Container, argv []string, err error) error {
	if err == nil {
		return nil
	}
	var exit *ExitError
	hint := ""
	if errors.As(err, &exit) {
		text := strings.ToLower(err.Error())
		for _, h := range hints {
			if strings.Contains(text, h.said) {
				hint = "; " + h.hint
				break
			}
		}
		if exit.Code == killed {
			hint = "; it was killed, perhaps because the memory limit of the container is too low"
		}
	}
	return fmt.Errorf("container %s: %s: %w%s", c, toolName(argv), err, hint)
}

// commandLine is a command as it is shown.
func commandLine(argv []string) string { return strings.Join(argv, " ") }
