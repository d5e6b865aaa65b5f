// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package result_test

import (
	"strings"
	"testing"

	"tilt.dev/session/hack/bench/result"
)

func TestLog(t *testing.T) {
	var lines, table strings.Builder
	log, err := result.NewLog(&lines, "benchtime: 1s")
	if err != nil {
		t.Fatal(err)
	}
	get := result.NewKey("Get", "sessions=100", "workers=1")
	for contender, numbers := range map[string][]float64{
		"ours": {3_000_000, 1_000_000, 2_000_000}, "theirs": {4_000_000, 6_000_000},
	} {
		for _, number := range numbers {
			values := []result.Value{{Number: number, Unit: result.Nanoseconds}}
			if err := log.Add(result.Result{Key: get, Contender: contender, N: 7, Values: values}); err != nil {
				t.Fatal(err)
			}
		}
	}
	memory := result.Result{Key: result.NewKey("Memory"), Contender: "ours", N: 1,
		Values: []result.Value{{Number: 3 << 20, Unit: result.Bytes}}}
	if err := log.Add(memory); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := log.AddAbsence("Memory", "theirs", "it has none"); err != nil {
			t.Fatal(err)
		}
	}
	for _, write := range []error{
		log.WriteTable(&table, "everything", "ours", result.Median, result.Nanoseconds, result.Bytes),
		log.WriteTable(&table, "time", "ours", result.Best, result.Nanoseconds),
		log.WriteAbsences(&table),
	} {
		if write != nil {
			t.Fatal(write)
		}
	}
	for _, want := range []string{
		"benchtime: 1s\n",
		"\nBenchmarkGet/contender=ours/sessions=100/workers=1 7 1000000 ns/op\n",
		"\nBenchmarkMemory/contender=ours 1 3145728 bytes\n",
		"\n# theirs can't Memory: it has none\n",
	} {
		if !strings.Contains(lines.String(), want) {
			t.Errorf("the lines miss %q:\n%s", want, &lines)
		}
	}
	for _, want := range []string{"\ntime: best, and its ratio to that of ours\n",
		"2ms 1.00x", "5ms 2.50x", "3.0MB 1.00x", "1ms 1.00x", "4ms 4.00x", "\ntheirs can't Memory: it has none\n"} {
		if !strings.Contains(table.String(), want) {
			t.Errorf("the table misses %q:\n%s", want, &table)
		}
	}
}
