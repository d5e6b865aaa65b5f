// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"errors"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"tilt.dev/session/pkg/cli/command"
	"tilt.dev/session/pkg/cli/run"
	"tilt.dev/session/pkg/cli/verbs"
)

// ignored are the flags of commands of Tilt that have no effect here. Those that end with "=" take a value.
var ignored = map[string][]string{
	"ci": {"log-level=", "log-resource=", "log-source=", "logactions", snapshotFlag + "=", "webdev-port="},
	"up": {
		"hud", "legacy", "log-level=", "log-resource=", "log-source=", "logactions", "no-browser", snapshotFlag + "=",
		"update-mode=", "webdev-port=",
	},
	"logs": {"source="},
}

// snapshotFlag names a file that scripts may look for afterwards.
const snapshotFlag = "output-snapshot-on-exit"

// asTilt has the commands answer as Tilt's do, for scripts that call the program by that name.
func asTilt(root *cobra.Command, p command.Program) {
	global := root.PersistentFlags()
	global.BoolP("debug", "d", false, "accepted for scripts; without effect")
	global.BoolP("verbose", "v", false, "accepted for scripts; without effect")
	global.Int("klog", 0, "log the work of the API server on stderr, in the commands that have one")
	for _, cmd := range root.Commands() {
		for _, name := range ignored[cmd.Name()] {
			ignore(cmd.Flags(), name)
		}
		cmd.PreRun = func(cmd *cobra.Command, _ []string) {
			if cmd.Flags().Changed(snapshotFlag) {
				p.Warn(errors.New("--" + snapshotFlag + " has no effect: this program writes no snapshots"))
			}
		}
	}
	alpha := command.Parent("alpha", "Commands whose output may change")
	alpha.AddCommand(run.NewTiltfileResultCommand(p))
	root.AddCommand(alpha, verbs.NewDumpCommand(p), &cobra.Command{
		Use:    "analytics",
		Short:  "Accept what scripts say about analytics, of which this program sends none",
		Hidden: true,
		RunE:   func(*cobra.Command, []string) error { return nil },
	})
	translate(root)
}

// ignore adds a hidden flag without effect.
func ignore(flags *pflag.FlagSet, name string) {
	name, value := strings.CutSuffix(name, "=")
	if value {
		flags.String(name, "", "")
	} else {
		flags.Bool(name, false, "")
	}
	flags.Lookup(name).Hidden = true
}

// translate has the help of a command, and of those below it, speak of tilt.
func translate(cmd *cobra.Command) {
	cmd.Long = strings.ReplaceAll(cmd.Long, command.ExitCodesHelp, "Exit codes: 0 success, 1 failure")
	cmd.Example = strings.ReplaceAll(cmd.Example, "tilt-session tiltfile-result", "tilt-session alpha tiltfile-result")
	cmd.Example = strings.ReplaceAll(cmd.Example, "tilt-session ", "tilt ")
	for _, c := range cmd.Commands() {
		translate(c)
	}
}
