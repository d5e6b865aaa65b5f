// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package text

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Printable returns what a line of output says, for a reader that is no terminal: valid UTF-8 without escape sequences,
// without control characters but tabs, and without those that change the direction of text. Of a line that a command
// has overwritten, it is what was written last.
func Printable(line string) string {
	line = strings.TrimRight(line, "\r\n")
	line = line[strings.LastIndexByte(line, '\r')+1:]
	if !strings.ContainsFunc(line, unwanted) {
		return line
	}
	var b strings.Builder
	for line != "" {
		if line[0] == '\x1b' {
			line = line[escapeLength(line):]
			continue
		}
		r, size := utf8.DecodeRuneInString(line)
		if !unwanted(r) || r == utf8.RuneError {
			b.WriteRune(r)
		}
		line = line[size:]
	}
	return b.String()
}

// PrintableLines returns the lines of a text as Printable does each.
func PrintableLines(s string) string {
	lines := strings.Split(s, "\n")
	for i := range lines {
		lines[i] = Printable(lines[i])
	}
	return strings.Join(lines, "\n")
}

func unwanted(r rune) bool {
	return unicode.IsControl(r) && r != '\t' || unicode.Is(unicode.Bidi_Control, r) || r == utf8.RuneError
}

// escapeLength is the length of the escape sequence at the start of s, which begins with ESC.
func escapeLength(s string) int {
	if len(s) == 1 {
		return 1
	}
	switch s[1] {
	case '[': // A control sequence ends with a byte from @ on.
		for i := 2; i < len(s); i++ {
			if s[i] < ' ' || s[i] > '~' {
				return i
			}
			if s[i] >= '@' {
				return i + 1
			}
		}
		return len(s)
	case ']', 'P', '_', '^', 'X': // A string, such as a title or a link, ends with BEL, ST or another sequence.
		for i := 2; i < len(s); i++ {
			switch {
			case s[i] == '\a':
				return i + 1
			case strings.HasPrefix(s[i:], "\x1b\\"):
				return i + 2
			case s[i] == '\x1b':
				return i
			}
		}
		return 2 // It has no end: the text after it may be of use.
	case '(', ')', '*', '+', '#', ' ':
		if len(s) > 2 && isASCII(s[2]) {
			return 3
		}
		return 2
	}
	if isASCII(s[1]) {
		return 2
	}
	return 1
}

// isASCII reports whether a byte is a character of ASCII that can be seen, or a blank.
func isASCII(b byte) bool {
	return b >= ' ' && b <= '~'
}
