// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package filewatch

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"testing"

	"golang.org/x/sys/unix"
)

func TestLimitsAreExplained(t *testing.T) {
	other := errors.New("other")
	for _, test := range []struct {
		explain func(error) error
		err     error
		reached bool
		want    string
	}{
		{explainWatch, unix.ENOSPC, true, `^the limit of watched directories per user is reached \(fs.inotify.max_user_watches = \d+\): ` +
			`raise it with "sudo sysctl fs.inotify.max_user_watches=\d{6,}", or ignore large directories$`},
		{explainWatch, fmt.Errorf("add: %w", &os.PathError{Op: "inotify_add_watch", Path: "/x", Err: unix.ENOSPC}), true, `^the limit of watched directories`},
		{explainWatch, unix.EMFILE, true, `^the limit of open files of a process is reached: raise it with "ulimit -n" before the start$`},
		{explainInstance, unix.EMFILE, true, `^the limit of inotify instances per user is reached \(fs.inotify.max_user_instances = \d+\): ` +
			`raise it with "sudo sysctl fs.inotify.max_user_instances=\d{4,}", or the limit of open files with "ulimit -n"$`},
		{explainWatch, unix.ENOMEM, true, `^cannot allocate memory$`},
		{explainWatch, unix.EACCES, false, `^permission denied$`},
		{explainInstance, other, false, `^other$`},
		{explainWatch, other, false, `^other$`},
	} {
		got := test.explain(test.err)
		if !regexp.MustCompile(test.want).MatchString(got.Error()) {
			t.Errorf("%v: got %q, want %s", test.err, got, test.want)
		}
		if !errors.Is(got, test.err) || limitReached(got) != test.reached {
			t.Errorf("%v: %v is reached: %v, wraps it: %v", test.err, got, limitReached(got), errors.Is(got, test.err))
		}
	}
	if explainWatch(nil) != nil || explainInstance(nil) != nil {
		t.Error("no error became one")
	}
}
