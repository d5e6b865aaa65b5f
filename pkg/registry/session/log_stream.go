// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package session

import (
	"context"
	"io"
	"iter"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/registry/rest"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
)

// logStream is the answer of a request for a log.
type logStream struct {
	readers *logReaders
	log     Log
	options *v1alpha1.SessionLogOptions
}

var _ rest.ResourceStreamer = (*logStream)(nil)

// GetObjectKind implements runtime.Object. A log has no kind.
func (s *logStream) GetObjectKind() schema.ObjectKind { return schema.EmptyObjectKind }

// DeepCopyObject implements runtime.Object. A stream isn't changed.
func (s *logStream) DeepCopyObject() runtime.Object { return s }

// InputStream opens the log. The handler closes it.
func (s *logStream) InputStream(ctx context.Context, _, _ string) (stream io.ReadCloser, flush bool, mediaType string, err error) {
	until, finish, err := s.readers.begin()
	if err != nil {
		return nil, false, "", err
	}
	pieces, err := s.log.ReadLog(ctx, s.options, until)
	if err != nil {
		finish()
		return nil, false, "", err
	}
	mediaType = MediaText
	if s.options.Format == v1alpha1.SessionLogFormatJSON {
		mediaType = MediaJSONLines
	}
	next, stop := iter.Pull(pieces)
	opened := &openLog{next: next, stop: stop, finish: finish}
	if limit := s.options.LimitBytes; limit != nil {
		return struct {
			io.Reader
			io.Closer
		}{io.LimitReader(opened, *limit), opened}, true, mediaType, nil
	}
	return opened, true, mediaType, nil
}

// openLog is a log that's being read. It's for one goroutine at a time.
type openLog struct {
	next   func() ([]byte, bool)
	stop   func()
	finish func()
	// rest is what's left of the last piece.
	rest []byte
}

// Read returns what there is, and waits only if that's nothing.
func (l *openLog) Read(p []byte) (int, error) {
	for len(l.rest) == 0 {
		piece, more := l.next()
		if !more {
			return 0, io.EOF
		}
		l.rest = piece
	}
	n := copy(p, l.rest)
	l.rest = l.rest[n:]
	return n, nil
}

// Close releases what the log was read from.
func (l *openLog) Close() error {
	l.stop()
	l.finish()
	return nil
}
