// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

// Package result keeps what a benchmark has measured, writes it in the format
// of Go's benchmarks, and compares the contenders in a table.
//
// A line is
//
//	BenchmarkWORK/contender=NAME/PARAMETER=VALUE... N NUMBER UNIT...
//
// which benchstat reads: "benchstat -col /contender FILE" compares the
// contenders of one file, "benchstat OLD NEW" two files.
package result
