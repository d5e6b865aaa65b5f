// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/clock"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/apiserver"
	"tilt.dev/session/pkg/engine"
	"tilt.dev/session/pkg/logs"
	testserver "tilt.dev/session/pkg/testing/server"
)

// A client whose connection is cut again and again, also within a line, has every line once: in parts, if they were
// written in parts.
func TestLogIsResumed(t *testing.T) {
	seed := time.Now().UnixNano()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewSource(seed))
	run := &written{store: logs.New(1<<20, clock.RealClock{}), snap: engine.Snapshot{}}
	running := NewRunning()
	running.add("Tiltfile", run)
	server := testserver.Start(t, testserver.Configure{Options: func(o *apiserver.Options) { o.Runs = running }})
	client := server.Clientset(t).TiltV1alpha1().Sessions()
	if _, err := client.Create(t.Context(), newSession("Tiltfile", v1alpha1.ExitConditionManual), metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	wrote := map[string]*strings.Builder{"a": {}, "b": {}}
	done := make(chan struct{})
	go func() {
		defer close(done)
		writeAtRandom(rand.New(rand.NewSource(seed)), run.store, wrote)
	}()
	read := &resumed{texts: map[string]string{}}
	ended, parts := false, 0
	for connections := 0; !ended; connections++ {
		options := &v1alpha1.SessionLogOptions{Follow: true, Format: v1alpha1.SessionLogFormatJSON, SinceSeq: &read.last}
		stream, err := client.GetLogs("Tiltfile", options).Stream(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		limit := int64(1 + random.Intn(20_000))
		if connections > 200 {
			limit = 1 << 30 // To an end.
		}
		var got bytes.Buffer
		if _, err = io.CopyN(&got, stream, limit); errors.Is(err, io.EOF) {
			ended = true
		}
		_ = stream.Close()
		if err := read.add(got.Bytes()); err != nil {
			t.Fatal(err)
		}
		parts = read.parts
	}
	<-done
	for source, text := range wrote {
		if got := read.texts[source]; got != text.String() {
			t.Errorf("%s: %d bytes were written, and other %d received", source, text.Len(), len(got))
		}
	}
	if parts == 0 {
		t.Error("no line was in parts, so that this was not tested")
	}
}

// writeAtRandom writes pieces of lines, some of them before a pause, and closes the store.
func writeAtRandom(random *rand.Rand, store *logs.Store, wrote map[string]*strings.Builder) {
	writers := map[string]io.WriteCloser{"a": store.Writer("a"), "b": store.Writer("b")}
	for i := range 4000 {
		source := []string{"a", "b"}[random.Intn(2)]
		piece := fmt.Sprintf("%d%s", i, []string{"\n", " ", ": two\nlines\n"}[random.Intn(3)])
		wrote[source].WriteString(piece)
		_, _ = writers[source].Write([]byte(piece))
		if i%1000 == 0 {
			last := store.Next() - 1
			_, _ = writers[source].Write([]byte("..."))
			wrote[source].WriteString("...")
			for range store.Read(context.Background(), logs.Selection{After: &last, Until: make(chan struct{})}) {
				break // The line is shown without its end.
			}
		}
	}
	for source, w := range writers {
		wrote[source].WriteString("end\n")
		_, _ = w.Write([]byte("end\n"))
		_ = w.Close()
	}
	store.Close()
}

// resumed is what a client has received.
type resumed struct {
	last  int64
	texts map[string]string
	parts int
}

// add adds the whole lines of an answer.
func (r *resumed) add(answer []byte) error {
	for line := range bytes.Lines(answer) {
		var l v1alpha1.SessionLogLine
		if !bytes.HasSuffix(line, []byte("\n")) {
			return nil
		}
		if err := json.Unmarshal(line, &l); err != nil {
			return fmt.Errorf("%q: %w", line, err)
		}
		if l.Seq != r.last+1 || l.Missed != 0 {
			return fmt.Errorf("line %d follows line %d, and %d are said to be missing", l.Seq, r.last, l.Missed)
		}
		r.last = l.Seq
		if l.Continues {
			r.parts++
		}
		if !l.Unfinished {
			l.Text += "\n"
		}
		r.texts[l.Resource] += l.Text
	}
	return nil
}
