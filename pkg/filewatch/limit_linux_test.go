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
		{explainWatch, unix.ENOMEM, true, `^the system has no memory left for inotify watches: `},
		{explainWatch, unix.EMFILE, true, `^the limit of open files of a process is reached \(\d+\): raise it with "ulimit -n \d+" before the start$`},
		{explainWatch, unix.ENFILE, true, `^the limit of open files of the system is reached \(fs.file-max = \d+\): raise it with "sudo sysctl fs.file-max=\d+"$`},
		{explainInstance, unix.EMFILE, true, `^the limit of inotify instances per user is reached \(fs.inotify.max_user_instances = \d+\): ` +
			`raise it with "sudo sysctl fs.inotify.max_user_instances=\d{4,}"$`},
		{explainInstance, unix.ENFILE, true, `^the limit of open files of the system is reached`},
		{explainInstance, unix.ENOMEM, true, `^the system has no memory left`},
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

func TestOpenFilesLimit(t *testing.T) {
	var before unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &before); err != nil {
		t.Fatal(err)
	}
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: 0, Max: before.Max}); err != nil {
		t.Fatal(err)
	}
	_, err := unix.InotifyInit1(unix.IN_CLOEXEC)
	err = explainInstance(err)
	if restored := unix.Setrlimit(unix.RLIMIT_NOFILE, &before); restored != nil {
		t.Fatal(restored)
	}
	if want := "the limit of open files of a process is reached"; err == nil || !regexp.MustCompile("^"+want).MatchString(err.Error()) {
		t.Errorf("got %v, want %s", err, want)
	}
}
