// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package dockerapi

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"
)

var began = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func stamp(milliseconds int) string {
	return began.Add(time.Duration(milliseconds) * time.Millisecond).Format("2006-01-02T15:04:05.000000000Z07:00")
}

func frame(stream int, text string) string {
	header := make([]byte, headerLength)
	header[0] = byte(stream)
	binary.BigEndian.PutUint32(header[4:], uint32(len(text)))
	return string(header) + text
}

// frames is a log in which stdout and stderr are a bit out of order, and one line has two pieces.
func frames() (log, text string) {
	var out, shown strings.Builder
	for i := range 8 {
		out.WriteString(frame(streamStdout, fmt.Sprintf("%s out %d\n", stamp(i/2*10+5), i)))
		out.WriteString(frame(streamStderr, fmt.Sprintf("%s err %d\n", stamp(i*10), i)))
		fmt.Fprintf(&shown, "out %d\nerr %d\n", i, i)
	}
	out.WriteString(frame(streamStdout, stamp(90)+" long "))
	out.WriteString(frame(streamStdout, stamp(90)+" line\n"))
	return out.String(), shown.String() + "long line\n"
}

// TestFramesResume breaks a stream at each byte, and reads on from another one.
func TestFramesResume(t *testing.T) {
	log, text := frames()
	for cut := range len(log) {
		var p Position
		var got strings.Builder
		emit := func(piece []byte) { got.Write(piece) }
		first := io.MultiReader(strings.NewReader(log[:cut]), iotest.ErrReader(io.ErrUnexpectedEOF))
		if err := copyFrames(first, &p, emit); err == nil {
			t.Fatal("a break is no error")
		}
		if err := copyFrames(strings.NewReader(log), &p, emit); err != nil {
			t.Fatal(err)
		}
		if got := sorted(got.String()); got != sorted(text) {
			t.Fatalf("cut at %d: %q, want %q", cut, got, sorted(text))
		}
	}
}

// sorted has the lines in an order, since those of two streams have none.
func sorted(text string) string {
	lines := slices.Collect(strings.Lines(text))
	slices.Sort(lines)
	return strings.Join(lines, "")
}

func TestFramesMalformed(t *testing.T) {
	for name, log := range map[string]string{
		"header":  "\x01\x00\x00",
		"payload": frame(streamStdout, stamp(0)+" text\n")[:20],
		"stream":  frame(9, "text"),
		"length":  "\x01\x00\x00\x00\xff\xff\xff\xff",
		"engine":  frame(streamError, "error grabbing logs: gone"),
	} {
		if err := copyFrames(strings.NewReader(log), &Position{}, func([]byte) {}); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestLines(t *testing.T) {
	long := strings.Repeat("x", longestLine)
	log := stamp(0) + " a\r\n" + stamp(10) + " " + long + "\n" + "no time\n" + stamp(20) + " b"
	want := "a\r\n" + long + "\nno time\nb"
	var p Position
	var got bytes.Buffer
	if err := copyLines(strings.NewReader(log), &p, func(piece []byte) { got.Write(piece) }); err != nil {
		t.Fatal(err)
	}
	if got.String() != want {
		t.Errorf("%d bytes, want %d", got.Len(), len(want))
	}
	got.Reset()
	more := log + "\n" + stamp(30) + " c\n"
	if err := copyLines(strings.NewReader(more), &p, func(piece []byte) { got.Write(piece) }); err != nil {
		t.Fatal(err)
	}
	if got.String() != "no time\nc\n" {
		t.Errorf("again %q", got.String())
	}
}

func TestStart(t *testing.T) {
	p := Position{Since: began}
	if got := p.start(); !got.Equal(began) {
		t.Errorf("start %s", got)
	}
	p.read[1].last = began.Add(time.Minute)
	if got := p.start(); !got.Equal(began.Add(time.Minute - overlap)) {
		t.Errorf("start %s", got)
	}
}

// FuzzFrames checks that frames are pieces or an error, whatever they are.
func FuzzFrames(f *testing.F) {
	log, _ := frames()
	f.Add([]byte(log))
	f.Add([]byte("\x01\x00\x00\x00\x00\x00\x00\x00"))
	f.Add([]byte("\x02\x00\x00\x00\xff\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, log []byte) {
		var p Position
		shown := 0
		err := copyFrames(bytes.NewReader(log), &p, func([]byte) { shown++ })
		if shown > len(log)/headerLength {
			t.Errorf("%d pieces of %d bytes", shown, len(log))
		}
		if err == nil && len(log) > 0 && shown == 0 {
			t.Error("a log has no pieces")
		}
	})
}
