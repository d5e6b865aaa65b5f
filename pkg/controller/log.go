// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"iter"
	"math"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/engine"
	"tilt.dev/session/pkg/logs"
	"tilt.dev/session/pkg/model"
)

// pieceSize is how many bytes are sent at once, if there are as many.
const pieceSize = 32 << 10

// ReadLog implements registry.Log.
func (r *requested) ReadLog(ctx context.Context, options *v1alpha1.SessionLogOptions, until <-chan struct{}) (iter.Seq[[]byte], error) {
	for _, name := range options.Resources {
		if !r.mayWrite(name) {
			return nil, r.error(&engine.UnknownError{Name: name})
		}
	}
	selection := logs.Selection{Sources: options.Resources, Tail: options.TailLines}
	switch {
	case options.SinceSeconds != nil:
		seconds := min(*options.SinceSeconds, math.MaxInt64/int64(time.Second))
		selection.Since = r.now().Add(-time.Duration(seconds) * time.Second)
	case options.SinceTime != nil:
		selection.Since = options.SinceTime.Time
	}
	if options.Follow {
		selection.Until = until
	}
	return pieces(r.run.Logs().Read(ctx, selection), options), nil
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
func pieces(batches iter.Seq[logs.Batch], options *v1alpha1.SessionLogOptions) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		encoder := encoderFor(yielder(yield), options)
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

func encoderFor(w io.Writer, options *v1alpha1.SessionLogOptions) encoder {
	if options.Format == v1alpha1.SessionLogFormatJSON {
		return jsonEncoder{w}
	}
	return logs.NewPrinter(w, options.Timestamps)
}

type jsonEncoder struct{ w io.Writer }

func (e jsonEncoder) Print(lines logs.Batch) error {
	out := bufio.NewWriterSize(e.w, pieceSize)
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	for line, missed := range lines.Lines() {
		err := encoder.Encode(v1alpha1.SessionLogLine{
			Seq:       int64(line.Seq),
			Time:      metav1.NewMicroTime(line.Time),
			Resource:  line.Source,
			Level:     levels[line.Level],
			Text:      line.Text,
			Continues: line.Continues,
			Missed:    int64(missed),
		})
		if err != nil {
			return err
		}
	}
	return out.Flush()
}

func (jsonEncoder) Close() error { return nil }

var levels = map[logs.Level]v1alpha1.SessionLogLevel{
	logs.LevelInfo:  v1alpha1.SessionLogLevelInfo,
	logs.LevelWarn:  v1alpha1.SessionLogLevelWarn,
	logs.LevelError: v1alpha1.SessionLogLevelError,
}
