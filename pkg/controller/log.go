// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"math"
	"regexp"
	"slices"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/engine"
	"tilt.dev/session/pkg/logs"
	"tilt.dev/session/pkg/model"
	"tilt.dev/session/pkg/session"
)

// pieceSize is how many bytes are sent at once, if there are as many.
const pieceSize = 32 << 10

// ReadLog implements registry.Log.
func (r *requested) ReadLog(
	ctx context.Context,
	options *v1alpha1.SessionLogOptions,
	until <-chan struct{},
) (iter.Seq[[]byte], error) {
	for _, name := range options.Resources {
		if !r.mayWrite(name) {
			return nil, r.error(&engine.UnknownError{Name: name})
		}
	}
	if since := options.SinceSeq; since != nil && uint64(*since) >= r.run.Logs().Next() {
		return nil, apierrors.NewResourceExpired(fmt.Sprintf("the log has no line %d yet; it is of another run", *since))
	}
	selection, err := r.selection(options)
	if err != nil {
		return nil, err
	}
	if options.Follow {
		selection.Until = until
	}
	return pieces(r.run.Logs().Read(ctx, selection), func(w io.Writer) encoder { return r.encoderFor(w, options) }), nil
}

// selection is what valid options select.
func (r *requested) selection(options *v1alpha1.SessionLogOptions) (s logs.Selection, err error) {
	s = logs.Selection{
		Sources: sourcesOf(r.run.Snapshot(), options.Resources),
		Level:   session.LevelOf(options.Level),
		Tail:    options.TailLines,
		Limit:   options.LimitLines,
	}
	switch {
	case options.SinceSeconds != nil:
		seconds := min(*options.SinceSeconds, math.MaxInt64/int64(time.Second))
		s.Since = r.now().Add(-time.Duration(seconds) * time.Second)
	case options.SinceTime != nil:
		s.Since = options.SinceTime.Time
	}
	if options.SinceSeq != nil {
		after := uint64(*options.SinceSeq)
		s.After = &after
	}
	if options.BeforeSeq != nil {
		s.Before = uint64(*options.BeforeSeq)
	}
	if options.Grep != "" {
		s.Grep, err = regexp.Compile(options.Grep)
	}
	return s, err
}

// sourcesOf are the sources of the log that have the output of resources, and of the images that they use.
func sourcesOf(snap *engine.Snapshot, resources []string) []string {
	sources := slices.Clone(resources)
	for i := range snap.Images {
		image := &snap.Images[i]
		used := slices.ContainsFunc(image.Resources, func(user string) bool { return slices.Contains(resources, user) })
		if used && !slices.Contains(sources, image.Name) {
			sources = append(sources, image.Name)
		}
	}
	return sources
}

// mayWrite reports whether a resource exists or has existed, which isn't known before the first evaluation of the
// Tiltfile.
func (r *requested) mayWrite(name string) bool {
	snap := r.run.Snapshot()
	return name == model.TiltfileResource || snap.Tiltfile.Evaluations == 0 || indexOf(snap, name) >= 0 ||
		len(r.run.Logs().Tail(name, 1)) > 0
}

// encoder writes lines in the format of a response.
type encoder interface {
	Print(logs.Batch) error
	// Close ends an unfinished last line.
	Close() error
}

// pieces encodes lines. It holds a line back only while others are there to be sent with it.
func pieces(batches iter.Seq[logs.Batch], encoderFor func(io.Writer) encoder) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		encoder := encoderFor(yielder(yield))
		for batch := range batches {
			if encoder.Print(batch) != nil {
				return
			}
		}
		_ = encoder.Close() // It fails only if the reader has stopped.
	}
}

// yielder is a writer to the reader of an iterator.
type yielder func([]byte) bool

var errEnough = errors.New("the reader has stopped")

func (y yielder) Write(piece []byte) (int, error) {
	if !y(piece) {
		return 0, errEnough
	}
	return len(piece), nil
}

func (r *requested) encoderFor(w io.Writer, options *v1alpha1.SessionLogOptions) encoder {
	if options.Format == v1alpha1.SessionLogFormatJSON {
		return jsonEncoder{w}
	}
	printer := logs.NewPrinter(w, logs.Style{Timed: options.Timestamps})
	for _, resource := range r.run.Snapshot().Resources {
		if len(options.Resources) == 0 || slices.Contains(options.Resources, resource.Name) {
			printer.Widen(resource.Name)
		}
	}
	return printer
}

type jsonEncoder struct{ w io.Writer }

func (e jsonEncoder) Print(lines logs.Batch) error {
	out := bufio.NewWriterSize(e.w, pieceSize)
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	for line, missed := range lines.Lines() {
		if err := encoder.Encode(session.EncodeLine(line, missed)); err != nil {
			return err
		}
	}
	return out.Flush()
}

func (jsonEncoder) Close() error { return nil }
