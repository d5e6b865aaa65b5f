// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package model

import (
	"strconv"
	"strings"
)

// ShellCommand returns the command that runs script in the POSIX shell, nil for a script of white space.
func ShellCommand(script string) *Command {
	script = strings.TrimSpace(script)
	if script == "" {
		return nil
	}
	return &Command{Argv: []string{"sh", "-c", script}}
}

// String returns the command as a person would write it: the script of a one-line shell command, else the arguments,
// with those that hold spaces or line breaks quoted. It is for messages; a shell can't run it in all cases.
func (c Command) String() string {
	if len(c.Argv) == 3 && c.Argv[0] == "sh" && c.Argv[1] == "-c" && !strings.Contains(c.Argv[2], "\n") {
		return c.Argv[2]
	}
	words := make([]string, len(c.Argv))
	for i, arg := range c.Argv {
		if strings.ContainsAny(arg, " \n") {
			arg = strconv.Quote(arg)
		}
		words[i] = arg
	}
	return strings.Join(words, " ")
}
