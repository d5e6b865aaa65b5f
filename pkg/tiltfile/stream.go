// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package tiltfile

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
)

// Streams has the content of what can be read only once: pipes, and the open
// files of this process, such as /dev/stdin. The evaluations of one run share
// it, so that a later one gets the same content again. They must not overlap.
type Streams struct {
	// openFiles is false where the open files of this process aren't for the
	// Tiltfile to read.
	openFiles bool
	// ended has what was read to its end, or failed, by path or number of the
	// open file.
	ended map[string]stream
}

// stream is what reading came to.
type stream struct {
	content []byte
	err     error
}

// NewStreams returns the streams of a run. Where a server evaluates the
// Tiltfiles of others, openFiles is false: reading its open files is refused.
func NewStreams(openFiles bool) *Streams { return &Streams{openFiles, map[string]stream{}} }

// read returns the content of the pipe or the open file at an absolute path, as
// readFile does.
func (s *Streams) read(ctx context.Context, path string, limit int64) ([]byte, error) {
	number, open := descriptor(path)
	if open && !s.openFiles {
		return nil, fmt.Errorf("%s is an open file of the server, which a Tiltfile can't read", path)
	}
	if open && !inherited(number) {
		return nil, fmt.Errorf("%s is not a file that this process was started with", path)
	}
	key := path
	if open {
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
		return nil, tooLarge{path, limit}
	}
	return ended.content, ended.err
}

// inherited says whether an open file is one that this process was started with,
// rather than one that it has opened itself, which has the flag.
func inherited(number int) bool {
	flags, err := unix.FcntlInt(uintptr(number), unix.F_GETFD, 0)
	return err == nil && flags&unix.FD_CLOEXEC == 0
}

// readFile returns the content of a file, a pipe or a device. It waits for what
// isn't written yet until ctx is done.
func readFile(ctx context.Context, path string, limit int64) ([]byte, error) {
	// Opening a pipe would wait for its writer, and nothing could end that.
	number, err := unix.Open(path, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	defer unix.Close(number)
	return readDescriptor(ctx, number, path, limit)
}

// readDescriptor returns what follows in an open file, up to its end. The path
// is for errors.
func readDescriptor(ctx context.Context, number int, path string, limit int64) ([]byte, error) {
	const (
		patience = 100 // milliseconds between two looks at ctx
		atOnce   = 64 << 10
	)
	var content []byte
	for ctx.Err() == nil {
		ready := []unix.PollFd{{Fd: int32(number), Events: unix.POLLIN}}
		n, err := unix.Poll(ready, patience)
		if err == nil && n > 0 {
			content = slices.Grow(content, atOnce)
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
			return nil, tooLarge{path, limit}
		}
	}
	return nil, context.Cause(ctx)
}

// IsStream says whether a path leads to a pipe, a device or an open file of this
// process. Its content is read once, and watching it tells nothing.
func IsStream(path string) bool {
	isStream, _ := kindOf(path)
	return isStream
}

// kindOf says whether a path leads to a stream. The error is about what has no
// content that ends.
func kindOf(path string) (isStream bool, err error) {
	_, open := descriptor(path)
	info, err := os.Stat(path)
	if err != nil {
		return open, asOpen(err)
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

// descriptor returns the number of the open file of this process that an
// absolute path leads to, as /dev/stdin and /dev/fd/63 do.
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

// directoryOf returns what relative paths in a file are relative to: its
// directory, or the working directory of the process for one of its open files.
func (e *evaluation) directoryOf(file string) string {
	if strings.HasPrefix(file, "/dev/") || strings.HasPrefix(file, "/proc/") {
		if _, open := descriptor(file); open {
			return e.options.WorkingDir
		}
	}
	return filepath.Dir(file)
}
