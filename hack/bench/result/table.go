// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package result

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
)

// Statistic makes one number of those that repetitions have given.
type Statistic struct {
	name string
	// of is called with sorted numbers, of which there is at least one.
	of func(sorted []float64) float64
}

var (
	// Median is the number in the middle.
	Median = Statistic{"median", func(sorted []float64) float64 {
		n := len(sorted)
		return (sorted[(n-1)/2] + sorted[n/2]) / 2
	}}
	// Best is the smallest number.
	Best = Statistic{"best", func(sorted []float64) float64 { return sorted[0] }}
)

// WriteTable writes a row for each key and a column for each contender: a
// statistic of the value in one of the given units, and its ratio to that of
// the reference.
func (l *Log) WriteTable(out io.Writer, title, reference string, statistic Statistic, units ...string) error {
	var keys []Key
	var contenders []string
	values := map[Key]map[string][]Value{}
	for _, r := range l.results {
		i := slices.IndexFunc(r.Values, func(v Value) bool { return slices.Contains(units, v.Unit) })
		if i < 0 {
			continue
		}
		if values[r.Key] == nil {
			values[r.Key] = map[string][]Value{}
			keys = append(keys, r.Key)
		}
		if !slices.Contains(contenders, r.Contender) {
			contenders = append(contenders, r.Contender)
		}
		values[r.Key][r.Contender] = append(values[r.Key][r.Contender], r.Values[i])
	}
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(out, "\n%s: %s, and its ratio to that of %s\n", title, statistic.name, reference)
	fmt.Fprintln(table, "\t"+strings.Join(contenders, "\t"))
	for _, key := range keys {
		row := []string{key.String()}
		for _, contender := range contenders {
			row = append(row, statistic.cell(values[key][contender], values[key][reference]))
		}
		fmt.Fprintln(table, strings.Join(row, "\t"))
	}
	return table.Flush()
}

// WriteAbsences writes what contenders can't do, and why.
func (l *Log) WriteAbsences(out io.Writer) error {
	for _, a := range l.absences {
		if _, err := fmt.Fprintf(out, "%s can't %s: %s\n", a.contender, a.work, a.reason); err != nil {
			return err
		}
	}
	return nil
}

// cell formats the statistic of values, with the ratio to that of the reference
// if there is one.
func (s Statistic) cell(values, reference []Value) string {
	if len(values) == 0 {
		return "-"
	}
	number := s.number(values)
	text := format(number, values[0].Unit)
	if len(reference) > 0 {
		text += fmt.Sprintf(" %.2fx", number/s.number(reference))
	}
	return text
}

func (s Statistic) number(values []Value) float64 {
	var numbers []float64
	for _, v := range values {
		numbers = append(numbers, v.Number)
	}
	slices.Sort(numbers)
	return s.of(numbers)
}

// format rounds a number to three digits, in the unit that people expect.
func format(number float64, unit string) string {
	switch unit {
	case Nanoseconds, CPU:
		d := time.Duration(number)
		for step := time.Duration(1); ; step *= 10 {
			if d < 1000*step {
				return d.Round(step).String()
			}
		}
	case Bytes:
		if number < 1<<20 {
			return strconv.FormatFloat(number/(1<<10), 'f', 1, 64) + "KB"
		}
		return strconv.FormatFloat(number/(1<<20), 'f', 1, 64) + "MB"
	default:
		return strconv.FormatFloat(number, 'g', 3, 64) + unit
	}
}
