// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package command

import (
	"errors"
	"io"
	"os"
	"slices"

	"github.com/spf13/pflag"
	"golang.org/x/term"

	"tilt.dev/session/pkg/view"
)

// Colours is the flag --color. Its zero value is auto.
type Colours struct{ mode view.ColourMode }

// AddFlag adds the flag.
func (c *Colours) AddFlag(flags *pflag.FlagSet) {
	c.mode = view.ColourAuto
	flags.Var(c, "color",
		"always, never or auto: colours in a terminal, unless NO_COLOR, FORCE_COLOR or CLICOLOR_FORCE says otherwise")
}

// String, Set and Type are those of a flag's value.
func (c *Colours) String() string { return string(c.mode) }

// Set accepts the modes alone.
func (c *Colours) Set(s string) error {
	c.mode = view.ColourMode(s)
	if !slices.Contains(view.ColourModes, c.mode) {
		return errors.New("must be always, never or auto")
	}
	return nil
}

// Type is what help texts call the value.
func (c *Colours) Type() string { return "string" }

// Style is how texts look that are written to out.
func (c *Colours) Style(out io.Writer) view.Style {
	return view.Style{Colour: view.ColourOf(c.mode, IsTerminal(out), os.Getenv), ASCII: view.ASCII(os.Getenv)}
}

// Children are environment variables for commands whose output is shown on out.
func (c *Colours) Children(out io.Writer) []string {
	return view.ChildColours(c.mode, IsTerminal(out), os.Getenv)
}

// IsTerminal reports whether a stream is a terminal.
func IsTerminal(stream any) bool {
	file, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}
