// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package verbs

import (
	"encoding/json"

	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/cli/command"
)

// engineDump is the output of "tilt dump engine".
type engineDump struct {
	// Program says whose state it is: the output of Tilt has other fields.
	Program string
	Version string
	Session *v1alpha1.Session
}

// NewDumpCommand returns Tilt's command dump.
func NewDumpCommand(p command.Program) *cobra.Command {
	c := &sessionClient{}
	engine := &cobra.Command{
		Use:   "engine",
		Short: "Print the state of a running Session as JSON",
		Long: `Prints the state of a running Session as JSON. It is that of tilt-session, which
has other fields than that of Tilt.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			sessions, err := c.sessions()
			if err != nil {
				return err
			}
			session, err := sessions.Get(cmd.Context(), c.session, metav1.GetOptions{})
			if err != nil {
				return c.requestError(err)
			}
			encoder := json.NewEncoder(p.Streams.Out)
			encoder.SetIndent("", "  ")
			return command.Printed(encoder.Encode(engineDump{"tilt-session", p.Version, session}))
		},
	}
	c.addFlags(engine)
	dump := command.Parent("dump", "Print the state of a running Session")
	dump.AddCommand(engine)
	return dump
}
