// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

// Package verbs has the commands that read and change the Sessions of a running
// server: our own on the subresources of a Session, and kubectl's.
package verbs

import (
	"fmt"
	"runtime"
	"strings"

	"github.com/spf13/cobra"
	"k8s.io/kubectl/pkg/cmd/annotate"
	"k8s.io/kubectl/pkg/cmd/apiresources"
	"k8s.io/kubectl/pkg/cmd/apply"
	"k8s.io/kubectl/pkg/cmd/create"
	"k8s.io/kubectl/pkg/cmd/delete"
	"k8s.io/kubectl/pkg/cmd/describe"
	"k8s.io/kubectl/pkg/cmd/diff"
	"k8s.io/kubectl/pkg/cmd/edit"
	"k8s.io/kubectl/pkg/cmd/explain"
	"k8s.io/kubectl/pkg/cmd/get"
	"k8s.io/kubectl/pkg/cmd/label"
	"k8s.io/kubectl/pkg/cmd/patch"
	"k8s.io/kubectl/pkg/cmd/replace"
	cmdutil "k8s.io/kubectl/pkg/cmd/util"
	"k8s.io/kubectl/pkg/cmd/wait"

	"tilt.dev/session/pkg/cli/command"
	"tilt.dev/session/pkg/tiltfile"
)

// newKubectlCommands returns kubectl's own commands, on the context that --port names.
func newKubectlCommands(p command.Program) []*cobra.Command {
	name := p.Name()
	at := &command.Endpoint{}
	client := newClientGetter(at, p.Streams.ErrOut)
	f := cmdutil.NewFactory(client)
	s := p.Streams
	commands := []*cobra.Command{
		get.NewCmdGet(name, f, s),
		describe.NewCmdDescribe(name, f, s),
		explain.NewCmdExplain(name, f, s),
		wait.NewCmdWait(client, s),
		apply.NewCmdApply(name, f, s),
		create.NewCmdCreate(f, s),
		patch.NewCmdPatch(f, s),
		edit.NewCmdEdit(f, s),
		replace.NewCmdReplace(f, s),
		delete.NewCmdDelete(f, s),
		label.NewCmdLabel(f, s),
		annotate.NewCmdAnnotate(name, f, s),
		diff.NewCmdDiff(f, s),
		apiresources.NewCmdAPIResources(client, s),
	}
	for _, c := range commands {
		if c.Name() == "create" {
			// Its subcommands create Secrets, Deployments and other kinds that the server doesn't have.
			c.RemoveCommand(c.Commands()...)
		}
		c.Example = strings.ReplaceAll(c.Example, "kubectl ", name+" ")
		at.AddFlags(c)
		adoptKubectlCommand(c, client)
	}
	return commands
}

// adoptKubectlCommand makes a command of kubectl return an error where it would exit.
func adoptKubectlCommand(c *cobra.Command, client *clientGetter) {
	for _, sub := range c.Commands() {
		adoptKubectlCommand(sub, client)
	}
	run := c.Run
	if run == nil {
		return
	}
	c.Run, c.PersistentPreRun = nil, func(*cobra.Command, []string) {} // Empty values are kubectl's matter.
	c.RunE = func(cmd *cobra.Command, args []string) (err error) {
		if err := command.ApplyEnvironment(cmd); err != nil {
			return command.WithCode(command.ExitUsage, "%w", err)
		}
		if err := client.at.CheckPort(); err != nil {
			return err
		}
		if _, err := client.load(); err != nil {
			return command.WithCode(command.ExitAPI, "%w", err)
		}
		if err := command.DirectLog(cmd.ErrOrStderr(), 0); err != nil {
			return command.WithCode(command.ExitFailure, "%w", err)
		}
		cmdutil.BehaviorOnFatal(func(msg string, code int) { panic(kubectlExit{msg, code}) })
		defer func() {
			switch r := recover().(type) {
			case nil:
			case kubectlExit:
				err = r.asError(cmd)
			default:
				panic(r)
			}
		}()
		run(cmd, args)
		return nil
	}
}

// kubectlExit is the message and the exit code of a command of kubectl.
type kubectlExit struct {
	message string
	code    int
}

// asError prints the message as kubectl does, without a prefix of ours. The exit code
// is kubectl's own, unless the server can't be reached: only kubectl's message says so.
func (k kubectlExit) asError(cmd *cobra.Command) error {
	if k.message != "" {
		cmd.PrintErrln(strings.TrimSuffix(k.message, "\n"))
	}
	for _, unreachable := range []string{"The connection to the server ", "Unable to connect to the server"} {
		if strings.HasPrefix(k.message, unreachable) {
			return command.WithoutMessage(command.ExitAPI)
		}
	}
	return command.WithoutMessage(k.code)
}

// NewCommands returns the commands.
func NewCommands(p command.Program) []*cobra.Command {
	commands := []*cobra.Command{
		newTriggerCommand(p), newEnableCommand(p), newDisableCommand(p),
		newArgsCommand(p), newLogsCommand(p), newKubeconfigCommand(p),
	}
	if !p.Tilt {
		commands = append(commands,
			newStatusCommand(p), newWhyCommand(p), newTopCommand(p), newSessionsCommand(p), newUICommand(p))
	}
	return append(commands, newKubectlCommands(p)...)
}

// tiltBuilt is when the version of Tilt was built that this program works as. Scripts match the whole line.
const tiltBuilt = "2026-07-29"

// NewVersionCommand returns the command version.
func NewVersionCommand(p command.Program) *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			version := fmt.Sprintf("%s, %s %s/%s", p.Version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
			if p.Tilt {
				version = "v" + tiltfile.TiltVersion + ", built " + tiltBuilt
			}
			_, err := fmt.Fprintln(p.Streams.Out, version)
			return command.Printed(err)
		},
	}
}
