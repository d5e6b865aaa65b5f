// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package github

import (
	"regexp"
	"strings"
)

// step is what GitHub Actions makes of the log of a step, by its documentation of workflow commands: a command is a
// line that begins with "::" after spaces, or has "##[" anywhere; its name has any case; stop-commands turns all off but
// the command that is its token.
type step struct {
	errors, warnings []annotationRead
	// groups are the titles of groups with the lines in them, open the title of the one that has begun.
	groups map[string][]string
	open   string
	// plain are the lines outside of groups. Others are what has no business in a log of ours.
	plain  []string
	others []string
	token  string
	tokens []string
}

type annotationRead struct {
	properties map[string]string
	message    string
}

var (
	newSyntax = regexp.MustCompile(`^\s*::([^ :]+)(?: ([^:]*))?::(.*)$`)
	oldSyntax = regexp.MustCompile(`##\[([^ \]]+)(?: ([^\]]*))?\](.*)$`)
)

func unescape(s string) string {
	return strings.NewReplacer("%25", "%", "%0D", "\r", "%0A", "\n", "%3A", ":", "%2C", ",").Replace(s)
}

func parse(log string) *step {
	s := &step{groups: map[string][]string{}}
	lines := strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(strings.TrimSuffix(log, "\n"))
	for line := range strings.SplitSeq(lines, "\n") {
		s.line(line)
	}
	return s
}

func (s *step) line(line string) {
	match := newSyntax.FindStringSubmatch(line)
	if match == nil {
		match = oldSyntax.FindStringSubmatch(line)
	}
	if match == nil || s.token != "" && !strings.EqualFold(match[1], s.token) {
		if s.open != "" {
			s.groups[s.open] = append(s.groups[s.open], line)
		} else {
			s.plain = append(s.plain, line)
		}
		return
	}
	name, properties, data := strings.ToLower(match[1]), map[string]string{}, unescape(match[3])
	for property := range strings.SplitSeq(match[2], ",") {
		if key, value, ok := strings.Cut(property, "="); ok {
			properties[key] = unescape(value)
		}
	}
	switch name {
	case s.token:
		s.token = ""
	case "stop-commands":
		s.token, s.tokens = strings.ToLower(data), append(s.tokens, data)
	case "group":
		s.open = data
		s.groups[data] = []string{}
	case "endgroup":
		s.open = ""
	case "error":
		s.errors = append(s.errors, annotationRead{properties, data})
	case "warning":
		s.warnings = append(s.warnings, annotationRead{properties, data})
	default:
		s.others = append(s.others, line)
	}
}
