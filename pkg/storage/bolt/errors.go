// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package bolt

import (
	"errors"
	"fmt"
	"io/fs"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"
)

// ErrDamaged is wrapped by the errors of a damaged file.
var ErrDamaged = errors.New("the file is damaged")

func damaged(format string, arguments ...any) error {
	return fmt.Errorf("%w: %w", ErrDamaged, fmt.Errorf(format, arguments...))
}

// guarded returns ErrDamaged where bbolt panics or accesses memory beyond the file, as it does with damaged files.
func guarded(do func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		switch reason := recover().(type) {
		case nil:
		case runtime.Error:
			err = damaged("a page is missing or invalid: %v", reason)
		default:
			err = damaged("%v", reason)
		}
	}()
	return do()
}

// unreadable adds advice to the error of opening a file.
func unreadable(path string, err error) error {
	return withDamageAdvice(fmt.Errorf("storage: opening %s: %w", path, withAdvice(err)))
}

func withDamageAdvice(err error) error {
	if !errors.Is(err, ErrDamaged) {
		return err
	}
	return fmt.Errorf(`%w ("tilt-session storage check" lists the problems; restore a backup of the file, `+
		`or import an earlier "tilt-session storage export" into another directory; `+
		`"bbolt surgery" can repair a copy of the file)`, err)
}

// unwritable adds advice to the error of writing a file.
func unwritable(path string, err error) error {
	advice := "reads continue; writing is retried"
	switch {
	case OutOfSpace(err):
		advice = "free some space there; deletions need space as well; reads continue, and writes once there is space"
	case errors.Is(err, syscall.EROFS):
		advice = "remount it writable; reads continue meanwhile"
	case errors.Is(err, ErrDamaged):
		advice = `reads continue; stop the server and run "tilt-session storage check"`
	}
	return fmt.Errorf("storage: writing %s: %w (%s)", path, cause(err), advice)
}

// OutOfSpace reports whether an error means that there is no room for a file. bbolt wraps some causes as text only.
func OutOfSpace(err error) bool {
	return slices.ContainsFunc([]error{syscall.ENOSPC, syscall.EDQUOT, syscall.EFBIG}, func(cause error) bool {
		return errors.Is(err, cause) || err != nil && strings.Contains(err.Error(), cause.Error())
	})
}

// withAdvice adds advice to errors of the file system.
func withAdvice(err error) error {
	switch {
	case OutOfSpace(err):
		return fmt.Errorf("%w (free some space there, or choose another directory)", cause(err))
	case errors.Is(err, syscall.EROFS):
		return fmt.Errorf("%w (remount it writable, or choose another directory)", cause(err))
	}
	return cause(err)
}

// cause removes the path from an error whose only other part is the cause.
func cause(err error) error {
	if of := new(fs.PathError); errors.As(err, &of) {
		return of.Err
	}
	return err
}
