// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package data

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"golang.org/x/sys/unix"
	"k8s.io/apimachinery/pkg/api/resource"
)

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
