// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package bolt

import (
	"errors"
	"fmt"
	"io/fs"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"
)

// ErrDamaged is wrapped by what a file that isn't whole is answered with.
var ErrDamaged = errors.New("the file is damaged")

func damaged(format string, arguments ...any) error {
	return fmt.Errorf("%w: %w", ErrDamaged, fmt.Errorf(format, arguments...))
}

// guarded turns into an error what a damaged file may lead to: bbolt panics on
// one, or reads where the file has nothing.
func guarded(do func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if reason := recover(); reason != nil {
			err = damaged("%v", reason)
		}
	}()
	return do()
}

// unreadable says what to do about a file that can't be opened.
func unreadable(path string, err error) error {
	err = fmt.Errorf("storage: opening %s: %w", path, remedied(err))
	if errors.Is(err, ErrDamaged) {
		return fmt.Errorf("%w (\"tilt-session storage check\" tells more, and how to rescue what can be read; or restore the file from a backup)", err)
	}
	return err
}

// unwritable says what to do about a file that can't be written.
func unwritable(path string, err error) error {
	advice := "reading goes on; writing is tried again"
	switch {
	case OutOfSpace(err):
		advice = "free some space there, which deletions need as well; reading goes on meanwhile, and writing once there is space"
	case errors.Is(err, syscall.EROFS):
		advice = "remount it writable; reading goes on meanwhile"
	case errors.Is(err, ErrDamaged):
		advice = "reading goes on; stop and run \"tilt-session storage check\""
	}
	return fmt.Errorf("storage: writing %s: %w (%s)", path, cause(err), advice)
}

// OutOfSpace tells whether an error is that there is no room for a file. bbolt
// tells some causes only by their text.
func OutOfSpace(err error) bool {
	return slices.ContainsFunc([]error{syscall.ENOSPC, syscall.EDQUOT, syscall.EFBIG}, func(cause error) bool {
		return errors.Is(err, cause) || err != nil && strings.Contains(err.Error(), cause.Error())
	})
}

// remedied is the cause of an error with what to do, if it is the place of the file.
func remedied(err error) error {
	switch {
	case OutOfSpace(err):
		return fmt.Errorf("%w (free some space there, or choose another directory)", cause(err))
	case errors.Is(err, syscall.EROFS):
		return fmt.Errorf("%w (remount it writable, or choose another directory)", cause(err))
	}
	return cause(err)
}

// cause leaves out the name of the file, where it is all that is said besides.
func cause(err error) error {
	if of, ok := err.(*fs.PathError); ok {
		return of.Err
	}
	return err
}
