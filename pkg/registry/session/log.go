// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package session

import (
	"context"
	"fmt"
	"io"
	"iter"
	"sync"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/registry/rest"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
)

// The media types that a log is written in, the second one with the format "json".
const (
	MediaText      = "text/plain"
	MediaJSONLines = "application/x-ndjson"
)

// LogREST serves sessions/log. It tracks the logs that are being read.
type LogREST struct {
	finder
	readers *logReaders
}

var (
	_ rest.GetterWithOptions = (*LogREST)(nil)
	_ rest.StorageMetadata   = (*LogREST)(nil)
)

// New returns an empty Session: the log is a part of it and has no kind of its own.
func (r *LogREST) New() runtime.Object { return &v1alpha1.Session{} }

// Destroy does nothing: there is nothing to release.
func (r *LogREST) Destroy() {}

// NewGetOptions returns the type that the query is decoded into.
func (r *LogREST) NewGetOptions() (options runtime.Object, subpath bool, subpathKey string) {
	return &v1alpha1.SessionLogOptions{}, false, ""
}

// ProducesMIMETypes returns the media types in OpenAPI.
func (r *LogREST) ProducesMIMETypes(string) []string { return []string{MediaText, MediaJSONLines} }

// ProducesObject describes a log as a string in OpenAPI.
func (r *LogREST) ProducesObject(string) any { return "" }

// OverrideMetricsVerb separates requests that follow a log, which last long, from those that read an object.
func (r *LogREST) OverrideMetricsVerb(verb string) string {
	if verb == "GET" {
		return "CONNECT"
	}
	return verb
}

// Get returns a stream of the log.
func (r *LogREST) Get(ctx context.Context, name string, object runtime.Object) (runtime.Object, error) {
	options, ok := object.(*v1alpha1.SessionLogOptions)
	if !ok {
		return nil, apierrors.NewBadRequest(fmt.Sprintf("%T is not a SessionLogOptions", object))
	}
	if errs := v1alpha1.ValidateSessionLogOptions(options); len(errs) > 0 {
		return nil, apierrors.NewInvalid(v1alpha1.Kind("SessionLogOptions"), name, errs)
	}
	run, err := r.find(ctx, name, false)
	if err != nil {
		return nil, err
	}
	return &logStream{readers: r.readers, log: run, options: options}, nil
}

// End refuses further readers, and ends each reader once it has everything that was written before the call. It
// returns when their handlers have finished, or with an error when ctx is done first.
func (r *LogREST) End(ctx context.Context) error {
	pending := r.readers.end()
	select {
	case <-r.readers.drained:
		return nil
	case <-ctx.Done():
	}
	if unfinished := r.readers.end(); unfinished > 0 {
		return fmt.Errorf("%d of %d logs were not read to their end: %w", unfinished, pending, context.Cause(ctx))
	}
	return nil
}

// logStream is the response to a request for a log.
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
func (s *logStream) InputStream(ctx context.Context, _, _ string) (
	stream io.ReadCloser, flush bool, mediaType string, err error) {
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

// openLog is a log that is being read, by one goroutine at a time.
type openLog struct {
	next   func() ([]byte, bool)
	stop   func()
	finish func()
	// rest is the unread part of the last piece.
	rest []byte
}

// Read returns the available bytes, and blocks only if there are none.
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

// Close releases the source of the log.
func (l *openLog) Close() error {
	l.stop()
	l.finish()
	return nil
}

// logReaders counts the logs that are being read. It is safe for concurrent use.
type logReaders struct {
	// ending is closed when all readers are to end, drained when they have ended.
	ending, drained chan struct{}

	mu    sync.Mutex
	ended bool
	open  int
}

// begin registers a reader, which should end when until is closed and calls finish once.
func (r *logReaders) begin() (until <-chan struct{}, finish func(), err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ended {
		return nil, nil, apierrors.NewServiceUnavailable("the server is shutting down")
	}
	r.open++
	return r.ending, func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		if r.open--; r.ended && r.open == 0 {
			close(r.drained)
		}
	}, nil
}

// end refuses further readers, makes the others end, and returns how many there are.
func (r *logReaders) end() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.ended {
		r.ended = true
		close(r.ending)
		if r.open == 0 {
			close(r.drained)
		}
	}
	return r.open
}
