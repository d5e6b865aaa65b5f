// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"strings"
	"unicode"

	"github.com/google/shlex"
	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/kubectl/pkg/cmd/util/editor"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/controller"
	clientv1alpha1 "tilt.dev/session/pkg/generated/clientset/versioned/typed/core/v1alpha1"
)

func newArgsCommand(p Program) *cobra.Command {
	c := &sessionClient{}
	var clearAll bool
	cmd := &cobra.Command{
		Use:   "args [flags] [-- ARGUMENT...]",
		Short: "Change the arguments of a running Session's Tiltfile",
		Long: `Replaces the arguments of the Tiltfile of a running Session. When they are
others than before, the Tiltfile is evaluated again. Each ARGUMENT is one, with
the spaces that the shell has left in it.

Without arguments it opens the present ones in the editor that TILT_EDITOR or
EDITOR names.`,
		Example: `  tilt-session args -- web worker
  tilt-session args -- --environment=staging '--title=two words'
  tilt-session args --clear`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if clearAll && len(args) > 0 {
				return refused("--clear cannot be specified with other values")
			}
			sessions, err := c.sessions(cmd)
			if err != nil {
				return err
			}
			if len(args) == 0 && !clearAll {
				if args, err = c.editArgs(cmd.Context(), sessions); err != nil {
					return err
				}
			}
			return c.setArgs(cmd.Context(), p, sessions, args)
		},
	}
	c.addFlags(cmd)
	cmd.Flags().BoolVar(&clearAll, "clear", false, "remove all arguments")
	return cmd
}

func (c *sessionClient) setArgs(ctx context.Context, p Program, sessions clientv1alpha1.SessionInterface, args []string) error {
	if args == nil {
		args = []string{}
	}
	answer, err := sessions.SetArgs(ctx, c.session, &v1alpha1.SessionArgs{Spec: v1alpha1.SessionArgsSpec{Args: args}},
		metav1.CreateOptions{FieldManager: controller.FieldManager})
	if err != nil {
		return c.requestError(err)
	}
	if !answer.Status.Changed {
		_, err = fmt.Fprintf(p.Streams.Out, "Tilt is already running with those args -- no action taken\n")
		return printed(err)
	}
	_, err = fmt.Fprintf(p.Streams.Out, "Changed config args for Tilt running at %s:%d to %v\n", c.host, c.port, args)
	return printed(err)
}

// argsHeader is what a person reads above the arguments in an editor.
const argsHeader = `# The arguments of the Tiltfile, as words of a shell. Lines that begin with '#'
# are comments. Save and close the file to change the arguments.
`

// editArgs has a person edit the arguments.
func (c *sessionClient) editArgs(ctx context.Context, sessions clientv1alpha1.SessionInterface) ([]string, error) {
	if cmp.Or(os.Getenv("TILT_EDITOR"), os.Getenv("EDITOR")) == "" {
		return nil, refused("no arguments given, and neither TILT_EDITOR nor EDITOR names an editor: give the arguments after --, or use --clear")
	}
	present, err := sessions.GetArgs(ctx, c.session, metav1.GetOptions{})
	if err != nil {
		return nil, c.requestError(err)
	}
	edited, path, err := editor.NewDefaultEditor([]string{"TILT_EDITOR", "EDITOR"}).
		LaunchTempFile("tilt-args-", "", strings.NewReader(argsHeader+formatArgs(present.Spec.Args)+"\n"))
	if path != "" {
		defer os.Remove(path)
	}
	if err != nil {
		return nil, withCode(ExitFailure, "edit the arguments: %w", err)
	}
	return parseArgs(string(edited))
}

// formatArgs returns arguments as words of a shell.
func formatArgs(args []string) string {
	words := make([]string, len(args))
	for i, arg := range args {
		words[i] = arg
		if arg == "" || strings.ContainsFunc(arg, special) {
			words[i] = "'" + strings.ReplaceAll(arg, "'", `'\''`) + "'"
		}
	}
	return strings.Join(words, " ")
}

// special is true for what a word of a shell can't have without quotes.
func special(r rune) bool {
	return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("_@%+=:,./-", r)
}

// parseArgs reads the arguments that a person has edited. That none are left may
// be a mistake, and there's a flag to remove all.
func parseArgs(text string) ([]string, error) {
	args, err := shlex.Split(text)
	switch {
	case err != nil:
		return nil, withCode(ExitFailure, "read the edited arguments, which stay as they are: %w", err)
	case len(args) == 0:
		return nil, refused("there are no arguments in the edited file, so they stay as they are: to remove all, use --clear")
	}
	return args, nil
}
