// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
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
)

// newKubectlCommands are kubectl's own commands on the context of the Session
// that --port names.
func newKubectlCommands(p Program) []*cobra.Command {
	const name = "tilt-session"
	at := &endpoint{}
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
			// Its subcommands make Secrets, Deployments and other kinds that
			// aren't served here.
			c.RemoveCommand(c.Commands()...)
		}
		c.Example = strings.ReplaceAll(c.Example, "kubectl ", name+" ")
		// Connection flags belong to the commands that have a connection.
		client.addFlags(c)
		adoptKubectlCommand(c, client)
	}
	return commands
}

// adoptKubectlCommand gives a command of kubectl our way to fail: it returns an
// error where it would end the process.
func adoptKubectlCommand(c *cobra.Command, client *clientGetter) {
	for _, sub := range c.Commands() {
		adoptKubectlCommand(sub, client)
	}
	run := c.Run
	if run == nil {
		return
	}
	c.Run = nil
	c.RunE = func(cmd *cobra.Command, args []string) (err error) {
		if err := client.at.completeClient(cmd); err != nil {
			return withCode(ExitUsage, "%w", err)
		}
		if _, err := client.load(); err != nil {
			return withCode(ExitAPI, "%w", err)
		}
		if err := directLog(cmd.ErrOrStderr(), 0); err != nil {
			return withCode(ExitFailure, "%w", err)
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

// kubectlExit is what a command of kubectl says last instead of exiting.
type kubectlExit struct {
	message string
	code    int
}

// asError prints the message as kubectl does, without a prefix of ours. The
// exit code is kubectl's own, unless the server can't be reached, which kubectl
// tells by its message alone.
func (k kubectlExit) asError(cmd *cobra.Command) error {
	if k.message != "" {
		cmd.PrintErrln(strings.TrimSuffix(k.message, "\n"))
	}
	for _, unreachable := range []string{"The connection to the server ", "Unable to connect to the server"} {
		if strings.HasPrefix(k.message, unreachable) {
			return &codedError{code: ExitAPI}
		}
	}
	return &codedError{code: k.code}
}
