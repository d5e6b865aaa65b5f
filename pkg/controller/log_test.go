// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"math"
	"strings"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	testingclock "k8s.io/utils/clock/testing"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/engine"
	"tilt.dev/session/pkg/logs"
)

// written is a run that has written something.
type written struct {
	Requests
	store *logs.Store
	snap  engine.Snapshot
}

func (w *written) Logs() *logs.Store          { return w.store }
func (w *written) Snapshot() *engine.Snapshot { return &w.snap }

// newWritten has lines of a minute ago and of now.
func newWritten() (*written, *requested) {
	clock := testingclock.NewFakeClock(start)
	w := &written{store: logs.New(1<<20, clock), snap: engine.Snapshot{
		Tiltfile:  engine.TiltfileState{Evaluations: 1},
		Resources: []engine.ResourceState{{Name: "web"}, {Name: "quiet"}},
	}}
	w.store.Append("(Tiltfile)", logs.LevelInfo, "Loading")
	w.store.Append("web", logs.LevelInfo, "<hello> \xff")
	clock.Step(time.Minute)
	w.store.Append("removed", logs.LevelWarn, "one\ntwo")
	w.store.Append("web", logs.LevelError, "bad")
	return w, &requested{session: "Tiltfile", run: w, now: clock.Now}
}

func read(t *testing.T, r *requested, options *v1alpha1.SessionLogOptions) string {
	t.Helper()
	until := make(chan struct{})
	close(until)
	pieces, err := r.ReadLog(t.Context(), options, until)
	if err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	for piece := range pieces {
		got.Write(piece)
	}
	return got.String()
}

func TestReadLog(t *testing.T) {
	const (
		loading = "Loading\n"
		hello   = "          web │ <hello> \xff\n"
		removed = "      removed │ WARNING: one\n      removed │ two\n"
		bad     = "          web │ ERROR: bad\n"
	)
	number := func(n int64) *int64 { return &n }
	at := metav1.NewTime(start.Add(time.Second))
	_, r := newWritten()
	for _, test := range []struct {
		name    string
		options v1alpha1.SessionLogOptions
		want    string
	}{
		{"all", v1alpha1.SessionLogOptions{}, loading + hello + removed + bad},
		{"all there is", v1alpha1.SessionLogOptions{Follow: true, Format: "text"}, loading + hello + removed + bad},
		{"of one", v1alpha1.SessionLogOptions{Resources: []string{"web"}}, hello + bad},
		{"of one that has written nothing", v1alpha1.SessionLogOptions{Resources: []string{"quiet"}}, ""},
		{"of one that's gone and the Tiltfile", v1alpha1.SessionLogOptions{Resources: []string{"removed", "(Tiltfile)"}}, loading + removed},
		{"of the last seconds", v1alpha1.SessionLogOptions{SinceSeconds: number(59)}, removed + bad},
		{"of more seconds than a duration has", v1alpha1.SessionLogOptions{SinceSeconds: number(math.MaxInt64/1_000_000_000 + 1)}, loading + hello + removed + bad},
		{"since a time", v1alpha1.SessionLogOptions{SinceTime: &at}, removed + bad},
		{"last", v1alpha1.SessionLogOptions{TailLines: number(1)}, bad},
		{"with times", v1alpha1.SessionLogOptions{Resources: []string{"web"}, Timestamps: true},
			"2026-03-04T05:06:07.000000Z " + hello + "2026-03-04T05:07:07.000000Z " + bad},
		{"after a line", v1alpha1.SessionLogOptions{SinceSeq: number(2)}, removed + bad},
		{"after the last line", v1alpha1.SessionLogOptions{SinceSeq: number(5)}, ""},
		{"a page backwards", v1alpha1.SessionLogOptions{BeforeSeq: number(4), LimitLines: number(2)}, hello + "      removed │ WARNING: one\n"},
		{"a page forwards", v1alpha1.SessionLogOptions{SinceSeq: number(1), LimitLines: number(1)}, hello},
		{"what matches", v1alpha1.SessionLogOptions{Grep: "^(hello|two)$|HELLO|(?i)BAD"}, "      removed │ two\n" + bad},
		{"warnings and errors", v1alpha1.SessionLogOptions{Level: "warn"}, removed + bad},
		{"errors", v1alpha1.SessionLogOptions{Level: "error", Follow: true}, bad},
		{"in JSON", v1alpha1.SessionLogOptions{Format: "json", Timestamps: true, Resources: []string{"web", "removed"}},
			`{"seq":2,"time":"2026-03-04T05:06:07.000000Z","resource":"web","level":"info","text":"<hello> \ufffd","own":true}` + "\n" +
				`{"seq":3,"time":"2026-03-04T05:07:07.000000Z","resource":"removed","level":"warn","text":"one"}` + "\n" +
				`{"seq":4,"time":"2026-03-04T05:07:07.000000Z","resource":"removed","level":"warn","text":"two"}` + "\n" +
				`{"seq":5,"time":"2026-03-04T05:07:07.000000Z","resource":"web","level":"error","text":"bad"}` + "\n"},
	} {
		if got := read(t, r, &test.options); got != test.want {
			t.Errorf("%s:\n%q, want\n%q", test.name, got, test.want)
		}
	}
}

func TestReadLogOfUnknownResource(t *testing.T) {
	w, r := newWritten()
	options := &v1alpha1.SessionLogOptions{Resources: []string{"web", "unknown"}}
	_, err := r.ReadLog(t.Context(), options, nil)
	if !apierrors.IsNotFound(err) || !apierrors.HasStatusCause(err, metav1.CauseTypeFieldValueNotFound) || err.Error() != `no such resource "unknown"` {
		t.Errorf("error = %v", err)
	}
	past := int64(6)
	if _, err := r.ReadLog(t.Context(), &v1alpha1.SessionLogOptions{SinceSeq: &past}, nil); !apierrors.IsResourceExpired(err) {
		t.Errorf("after a line of another run: %v", err)
	}
	// It may be defined yet.
	w.snap.Tiltfile.Evaluations = 0
	if _, err := r.ReadLog(t.Context(), options, nil); err != nil {
		t.Errorf("before the Tiltfile was evaluated: %v", err)
	}
}

// Each format reports the lines that were dropped while the log was read.
func TestReadLogReportsMissedLines(t *testing.T) {
	for want, options := range map[string]v1alpha1.SessionLogOptions{
		" lines of a were written faster than they could be printed, and are missing here]\n": {},
		" missing here]\n2026-03-04T05:06:07.000000Z             a │ ":                        {Timestamps: true},
		`,"missed":`: {Format: v1alpha1.SessionLogFormatJSON},
	} {
		w := &written{store: logs.New(10_000, testingclock.NewFakeClock(start))}
		r := &requested{session: "Tiltfile", run: w, now: time.Now}
		w.store.Append("a", logs.LevelInfo, "first")
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		options.Follow = true
		pieces, err := r.ReadLog(ctx, &options, make(chan struct{}))
		if err != nil {
			t.Fatal(err)
		}
		var got strings.Builder
		for piece := range pieces {
			if got.Len() == 0 {
				for range 1000 {
					w.store.Append("a", logs.LevelInfo, "a line\nanother")
				}
				w.store.Close()
			}
			got.Write(piece)
		}
		cancel()
		if strings.Count(got.String(), want) != 1 {
			t.Errorf("not once %q in %q", want, got.String())
		}
	}
}

// A reader that stops gets no more.
func TestReadLogReaderStops(t *testing.T) {
	for _, options := range []v1alpha1.SessionLogOptions{{}, {Timestamps: true}, {Format: v1alpha1.SessionLogFormatJSON}} {
		w, r := newWritten()
		w.store.Append("web", logs.LevelInfo, strings.Repeat("0123456789\n", 50_000))
		pieces, err := r.ReadLog(t.Context(), &options, nil)
		if err != nil {
			t.Fatal(err)
		}
		read := 0
		for range pieces {
			read++
			break
		}
		if read != 1 {
			t.Errorf("%+v: read %d pieces", options, read)
		}
	}
}
