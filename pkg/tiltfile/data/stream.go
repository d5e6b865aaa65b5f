// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package data

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
	"k8s.io/apimachinery/pkg/api/resource"
)

// Streams keeps the content of what can be read only once: pipes, and open files of this process such as /dev/stdin.
// The evaluations of one run share it, so that a later one gets the same content again. They must not overlap.
type Streams struct {
	// openFiles allows reading the open files of this process.
	openFiles bool
	// ended holds what was read to its end, or failed, by path or by number of the open file.
	ended map[string]stream
}

// stream is the result of reading.
type stream struct {
	content []byte
	err     error
}

// NewStreams returns the streams of a run. A server that evaluates the Tiltfiles of its clients passes false for
// openFiles: reading its open files is refused.
func NewStreams(openFiles bool) *Streams { return &Streams{openFiles, map[string]stream{}} }

// ReadFile returns the content of the file, the pipe or the open file at an absolute path. It waits for what isn't
// written yet until ctx is done.
func (s *Streams) ReadFile(ctx context.Context, path string, limit int64) ([]byte, error) {
	isStream, err := kindOf(path)
	switch {
	case err != nil:
		return nil, err
	case !isStream:
		return readFile(ctx, path, limit)
	}
	key := path
	number, open := descriptor(path)
	if open {
		if !s.openFiles {
			return nil, fmt.Errorf("%s is an open file of the server, which a Tiltfile can't read", path)
		}
		// The files that this process has opened itself, other than those that it was started with, have the flag.
		if flags, err := unix.FcntlInt(uintptr(number), unix.F_GETFD, 0); err != nil || flags&unix.FD_CLOEXEC != 0 {
			return nil, fmt.Errorf("%s is not a file that this process was started with", path)
		}
		key = strconv.Itoa(number)
	}
	ended, ok := s.ended[key]
	if !ok {
		if open {
			ended.content, ended.err = readDescriptor(ctx, number, path, limit)
		} else {
			ended.content, ended.err = readFile(ctx, path, limit)
		}
		if ctx.Err() == nil {
			s.ended[key] = ended
		}
	}
	if ended.err == nil && int64(len(ended.content)) > limit {
		return nil, TooLarge{path, limit}
	}
	return ended.content, ended.err
}

// IsStream returns whether a path leads to a pipe, a device or an open file of this process. Its content is read
// once, and it can't be watched.
func IsStream(path string) bool {
	isStream, _ := kindOf(path)
	return isStream
}

// kindOf returns whether a path leads to a stream. The error is about a file whose content can't be read to an end.
func kindOf(path string) (isStream bool, err error) {
	open := IsOpenFile(path)
	info, err := os.Stat(path)
	if err != nil {
		// Opening the file gives the same error.
		var failed *fs.PathError
		if errors.As(err, &failed) {
			err = &fs.PathError{Op: "open", Path: failed.Path, Err: failed.Err}
		}
		return open, err
	}
	switch mode := info.Mode(); {
	case mode.IsRegular():
		return open, nil
	case mode&fs.ModeNamedPipe != 0, mode&fs.ModeSocket != 0 && open:
		return true, nil
	case mode.IsDir():
		return false, fmt.Errorf("%s is not a regular file, but a directory", path)
	case mode&fs.ModeSocket != 0:
		return true, fmt.Errorf("%s is not a regular file, but a socket", path)
	}
	if null, err := os.Stat(os.DevNull); err == nil && os.SameFile(info, null) {
		return true, nil
	}
	return true, fmt.Errorf("%s is not a regular file, but a device", path)
}

// IsOpenFile returns whether an absolute path leads to an open file of this process, as /dev/stdin and /dev/fd/63 do.
func IsOpenFile(path string) bool {
	_, open := descriptor(path)
	return open
}

// descriptor returns the number of the open file that an absolute path leads to.
func descriptor(path string) (number int, ok bool) {
	const maxLinks = 40
	own := fmt.Sprintf("/proc/%d/", os.Getpid())
	for range maxLinks {
		dir, err := filepath.EvalSymlinks(filepath.Dir(path))
		if err != nil {
			return 0, false
		}
		if dir == "/dev/fd" || strings.HasPrefix(dir, own) && filepath.Base(dir) == "fd" {
			number, err := strconv.Atoi(filepath.Base(path))
			return number, err == nil
		}
		target, err := os.Readlink(filepath.Join(dir, filepath.Base(path)))
		if err != nil {
			return 0, false
		}
		if path = target; !filepath.IsAbs(path) {
			path = filepath.Join(dir, path)
		}
	}
	return 0, false
}

// SizeVariable is the environment variable that sets the limit of the data that a builtin reads or decodes. Errors
// name it.
const SizeVariable = "TILT_SESSION_MAX_DATA_SIZE"

// TooLarge is the error for data that has more bytes than its limit.
type TooLarge struct {
	What  string
	Limit int64
}

func (t TooLarge) Error() string {
	return fmt.Sprintf("%s is larger than %s", t.What, resource.NewQuantity(t.Limit, resource.BinarySI))
}

// Explain adds to a TooLarge error how to allow more.
func Explain(err error) error {
	var large TooLarge
	if errors.As(err, &large) {
		return fmt.Errorf("%w: set the environment variable %s to allow more", err, SizeVariable)
	}
	return err
}

// readFile returns the content of a file, a pipe or a device. It waits for what isn't written yet until ctx is done.
func readFile(ctx context.Context, path string, limit int64) ([]byte, error) {
	// A blocking open of a pipe waits for its writer, and nothing could end that.
	number, err := unix.Open(path, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	defer unix.Close(number)
	return readDescriptor(ctx, number, path, limit)
}

// readDescriptor returns what follows in an open file, up to its end. The path is for errors.
func readDescriptor(ctx context.Context, number int, path string, limit int64) ([]byte, error) {
	const (
		pollMilliseconds = 100 // between two checks of ctx
		chunk            = 64 << 10
	)
	var content []byte
	for ctx.Err() == nil {
		ready := []unix.PollFd{{Fd: int32(number), Events: unix.POLLIN}}
		n, err := unix.Poll(ready, pollMilliseconds)
		if err == nil && n > 0 {
			content = slices.Grow(content, chunk)
			n, err = unix.Read(number, content[len(content):cap(content)])
			if err == nil && n == 0 {
				return content, nil
			}
		}
		switch {
		case errors.Is(err, unix.EINTR), errors.Is(err, unix.EAGAIN), err == nil && n == 0:
			continue
		case err != nil:
			return nil, &fs.PathError{Op: "read", Path: path, Err: err}
		}
		content = content[:len(content)+n]
		if int64(len(content)) > limit {
			return nil, TooLarge{path, limit}
		}
	}
	return nil, context.Cause(ctx)
}
