// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package github

import (
	"strings"

	"tilt.dev/session/pkg/text"
)

// markdown has a backslash before what means something in Markdown or HTML.
var markdown = strings.NewReplacer(
	`\`, `\\`, "`", "\\`", "*", `\*`, "_", `\_`, "{", `\{`, "[", `\[`, "]", `\]`, "<", `\<`, ">", `\>`, "&", `\&`,
	"#", `\#`, "|", `\|`, "~", `\~`, "!", `\!`, "$", `\$`, "\t", " ")

// inline is a text in one line of Markdown, such as a cell of a table.
func inline(s string, most int) string {
	return markdown.Replace(text.Cut(strings.Join(strings.Fields(text.PrintableLines(s)), " "), most))
}

// code is a text as a code span, in a line that isn't part of a table.
func code(s string) string {
	s = strings.Join(strings.Fields(text.PrintableLines(s)), " ")
	quote := strings.Repeat("`", longestRun(s)+1)
	return quote + " " + s + " " + quote
}

// block is lines as a code block.
func block(lines []string) string {
	longest := 2
	for _, line := range lines {
		longest = max(longest, longestRun(line))
	}
	fence := strings.Repeat("`", longest+1)
	return fence + "text\n" + strings.Join(lines, "\n") + "\n" + fence + "\n"
}

// longestRun is the length of the longest run of backticks.
func longestRun(s string) int {
	longest, run := 0, 0
	for i := range len(s) {
		if s[i] != '`' {
			run = 0
			continue
		}
		run++
		longest = max(longest, run)
	}
	return longest
}
