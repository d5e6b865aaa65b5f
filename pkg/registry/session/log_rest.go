// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package session

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/registry/rest"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
)

// The media types that a log is written in, the second one with the format
// "json".
const (
	MediaText      = "text/plain"
	MediaJSONLines = "application/x-ndjson"
)

// LogREST serves sessions/log. It knows every log that is being read.
type LogREST struct {
	finder
	readers *logReaders
}

var (
	_ rest.GetterWithOptions = (*LogREST)(nil)
	_ rest.StorageMetadata   = (*LogREST)(nil)
)

func newLogREST(f finder) *LogREST {
	return &LogREST{finder: f, readers: newLogReaders()}
}

// New returns an empty Session: the log is a part of it and has no kind.
func (r *LogREST) New() runtime.Object { return &v1alpha1.Session{} }

// Destroy does nothing: there's nothing to release.
func (r *LogREST) Destroy() {}

// NewGetOptions returns what the query is decoded into.
func (r *LogREST) NewGetOptions() (options runtime.Object, subpath bool, subpathKey string) {
	return &v1alpha1.SessionLogOptions{}, false, ""
}

// ProducesMIMETypes tells the description of the API what a log is written in.
func (r *LogREST) ProducesMIMETypes(string) []string { return []string{MediaText, MediaJSONLines} }

// ProducesObject tells the description of the API that a log is a text.
func (r *LogREST) ProducesObject(string) any { return "" }

// OverrideMetricsVerb keeps the time for which a log is followed from being
// counted as that of a request that reads an object.
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
	run, err := r.find(ctx, name)
	if err != nil {
		return nil, err
	}
	return &logStream{readers: r.readers, log: run, options: options}, nil
}

// End refuses to serve logs from now on, and ends those that are being read as
// soon as each has what is written by now. It returns when all of them are
// finished by their handlers, or with an error when ctx is done first.
func (r *LogREST) End(ctx context.Context) error { return r.readers.end(ctx) }
