// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/engine"
	"tilt.dev/session/pkg/logs"
	"tilt.dev/session/pkg/model"
)

// pieceSize is how many bytes are sent at once if there are so many.
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
		selection.Since = r.now().Add(-time.Duration(*options.SinceSeconds) * time.Second)
	case options.SinceTime != nil:
		selection.Since = options.SinceTime.Time
	}
	if options.Follow {
		selection.Until = until
	}
	return pieces(r.run.Logs().Read(ctx, selection), encoderFor(options)), nil
}

// mayWrite tells whether a resource exists or has existed. Before the first
// evaluation of the Tiltfile nobody knows which don't.
func (r *requested) mayWrite(name string) bool {
	snap := r.run.Snapshot()
	return name == model.TiltfileResource || snap.Tiltfile.Evaluations == 0 || indexOf(snap, name) >= 0 ||
		len(r.run.Logs().Tail(name, 1)) > 0
}

// encodeLine writes a line before which others of its source may be missing.
type encodeLine func(to *bytes.Buffer, line logs.Line, missed uint64)

// pieces encodes lines. It holds none back when there are no others to be sent
// with it.
func pieces(batches iter.Seq[logs.Batch], encode encodeLine) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		var piece bytes.Buffer
		send := func(least int) bool {
			if piece.Len() < least {
				return true
			}
			defer piece.Reset()
			return yield(piece.Bytes())
		}
		for batch := range batches {
			for line, missed := range batch.Lines() {
				encode(&piece, line, missed)
				if !send(pieceSize) {
					return
				}
			}
			if !send(1) {
				return
			}
		}
	}
}

func encoderFor(options *v1alpha1.SessionLogOptions) encodeLine {
	switch {
	case options.Format == v1alpha1.SessionLogFormatJSON:
		return encodeJSON
	case options.Timestamps:
		return func(to *bytes.Buffer, line logs.Line, missed uint64) {
			encodeMissed(to, line, missed)
			to.Write(line.Time.UTC().AppendFormat(to.AvailableBuffer(), metav1.RFC3339Micro))
			to.WriteByte(' ')
			to.Write(line.AppendText(to.AvailableBuffer()))
		}
	default:
		return func(to *bytes.Buffer, line logs.Line, missed uint64) {
			encodeMissed(to, line, missed)
			to.Write(line.AppendText(to.AvailableBuffer()))
		}
	}
}

func encodeMissed(to *bytes.Buffer, line logs.Line, missed uint64) {
	if missed > 0 {
		fmt.Fprintf(to, "[%d lines of %s were written faster than they could be read, and are missing here]\n", missed, line.Source)
	}
}

func encodeJSON(to *bytes.Buffer, line logs.Line, missed uint64) {
	encoder := json.NewEncoder(to)
	encoder.SetEscapeHTML(false)
	// Nothing of the type can fail to be encoded, and neither can the buffer.
	_ = encoder.Encode(v1alpha1.SessionLogLine{
		Seq:      int64(line.Seq),
		Time:     metav1.NewMicroTime(line.Time),
		Resource: line.Source,
		Level:    levels[line.Level],
		Text:     line.Text,
		Missed:   int64(missed),
	})
}

var levels = map[logs.Level]v1alpha1.SessionLogLevel{
	logs.LevelInfo:  v1alpha1.SessionLogLevelInfo,
	logs.LevelWarn:  v1alpha1.SessionLogLevelWarn,
	logs.LevelError: v1alpha1.SessionLogLevelError,
}
