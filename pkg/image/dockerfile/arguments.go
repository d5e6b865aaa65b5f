// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package dockerfile

import (
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/buildkit/frontend/dockerfile/shell"
)

// arguments are the variables that FROM may use.
type arguments struct {
	lex *shell.Lex
	// given are those of the command line. They count once they are declared.
	given []string
	env   []string
}

// add declares the arguments of an ARG instruction.
func (a *arguments) add(node *parser.Node) error {
	for word := node.Next; word != nil; word = word.Next {
		name, value, ok := strings.Cut(word.Value, "=")
		if !ok {
			a.declare(name)
			continue
		}
		value, err := a.resolve(value)
		if err != nil {
			return err
		}
		a.declare(name, value)
	}
	return nil
}

// declare sets a variable to what is given for it, or else to the default, if there is one.
func (a *arguments) declare(name string, value ...string) {
	for _, entry := range a.given {
		if key, given, ok := strings.Cut(entry, "="); ok && key == name {
			value = []string{given}
		}
	}
	if len(value) > 0 {
		a.env = append(a.env, name+"="+value[0])
	}
}

// resolve replaces the variables of a word.
func (a *arguments) resolve(word string) (string, error) {
	resolved, _, err := a.lex.ProcessWord(word, shell.EnvsFromSlice(a.env))
	return resolved, err
}
