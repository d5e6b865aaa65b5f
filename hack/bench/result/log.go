// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package result

import (
	"fmt"
	"io"
	"runtime"
	"slices"
	"strconv"
	"strings"
)

// Key names a measurement apart from who was measured.
type Key struct {
	// Work is what was done, such as "Get".
	Work string
	// Parameters are the conditions, such as "sessions=100", separated by "/".
	Parameters string
}

// NewKey returns the key of some work under the given conditions.
func NewKey(work string, parameters ...string) Key {
	return Key{Work: work, Parameters: strings.Join(parameters, "/")}
}

func (k Key) String() string {
	return strings.ReplaceAll(strings.TrimSuffix(k.Work+"/"+k.Parameters, "/"), "/", " ")
}

// Value is a number with its unit. Fractions are not written.
type Value struct {
	Number float64
	Unit   string
}

// The units that the table formats.
const (
	Nanoseconds = "ns/op"
	CPU         = "cpu-ns/op"
	Bytes       = "bytes"
)

// Result is one measurement of one contender.
type Result struct {
	Key
	Contender string
	// N is the number of operations.
	N int
	// Values are what was measured, each in another unit.
	Values []Value
}

// Log collects results. It is not safe for concurrent use.
type Log struct {
	out      io.Writer
	results  []Result
	absences []absence
}

// absence says what a contender can't do.
type absence struct {
	work, contender, reason string
}

// NewLog returns a log that writes each result to out as it comes, below the
// given configuration lines.
func NewLog(out io.Writer, configuration ...string) (*Log, error) {
	lines := []string{"goos: " + runtime.GOOS, "goarch: " + runtime.GOARCH, fmt.Sprintf("cpus: %d", runtime.NumCPU())}
	lines = append(lines, configuration...)
	_, err := fmt.Fprintln(out, strings.Join(lines, "\n"))
	return &Log{out: out}, err
}

// Add writes and keeps a result.
func (l *Log) Add(r Result) error {
	l.results = append(l.results, r)
	line := fmt.Sprintf("Benchmark%s/contender=%s", r.Work, r.Contender)
	if r.Parameters != "" {
		line += "/" + r.Parameters
	}
	line += fmt.Sprintf(" %d", r.N)
	for _, v := range r.Values {
		line += " " + strconv.FormatFloat(v.Number, 'f', 0, 64) + " " + v.Unit
	}
	_, err := fmt.Fprintln(l.out, line)
	return err
}

// AddAbsence writes and keeps that a contender can't do some work. The line is
// one that benchstat ignores.
func (l *Log) AddAbsence(work, contender, reason string) error {
	added := absence{work, contender, reason}
	if slices.Contains(l.absences, added) {
		return nil
	}
	l.absences = append(l.absences, added)
	_, err := fmt.Fprintf(l.out, "# %s can't %s: %s\n", contender, work, reason)
	return err
}
