// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package view

import (
	"fmt"
	"slices"
	"strings"
)

// maxNames is up to how many names are listed where none is alike.
const maxNames = 10

// Suggestion is the end of an error about a name that isn't among others: those that are alike, else all if they are
// few, else nothing.
func Suggestion(name string, names []string) string {
	best := max(len([]rune(name))/3, 1)
	var alike []string
	for _, n := range names {
		switch d := distance(strings.ToLower(name), strings.ToLower(n)); {
		case d < best:
			best, alike = d, []string{n}
		case d == best:
			alike = append(alike, n)
		}
	}
	if len(alike) == 0 {
		alike = slices.DeleteFunc(slices.Clone(names), func(n string) bool { return !strings.Contains(n, name) })
	}
	switch {
	case name != "" && len(alike) > 0 && len(alike) <= maxNames:
		return fmt.Sprintf("; did you mean %s?", quote(alike, " or "))
	case len(names) <= maxNames:
		return fmt.Sprintf("; there are %s", quote(names, ", "))
	}
	return ""
}

func quote(names []string, separator string) string {
	quoted := make([]string, len(names))
	for i, n := range names {
		quoted[i] = fmt.Sprintf("%q", n)
	}
	return strings.Join(quoted, separator)
}

// distance is how many characters have to be inserted, removed or replaced to make b of a.
func distance(a, b string) int {
	from, to := []rune(a), []rune(b)
	row := make([]int, len(to)+1)
	for j := range row {
		row[j] = j
	}
	for i, r := range from {
		diagonal := row[0]
		row[0] = i + 1
		for j, q := range to {
			replaced := diagonal
			if r != q {
				replaced++
			}
			diagonal = row[j+1]
			row[j+1] = min(replaced, diagonal+1, row[j]+1)
		}
	}
	return row[len(to)]
}
