// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package verbs

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
	"tilt.dev/session/pkg/cli/command"
	clientv1alpha1 "tilt.dev/session/pkg/generated/clientset/versioned/typed/core/v1alpha1"
)

func newArgsCommand(p command.Program) *cobra.Command {
	c := &sessionClient{}
	var clearAll bool
	cmd := &cobra.Command{
		Use:   "args [flags] [-- ARGUMENT...]",
		Short: "Change the arguments of a running Session's Tiltfile",
		Long: `Replaces the arguments of the Tiltfile of a running Session. If they differ from
the present ones, the Tiltfile is evaluated again. Each ARGUMENT is one argument,
with any spaces in it.

Without arguments it opens the present ones in the editor that TILT_EDITOR or
EDITOR names.`,
		Example: `  tilt-session args -- web worker
  tilt-session args -- --environment=staging '--title=two words'
  tilt-session args --clear`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if clearAll && len(args) > 0 {
				return refused("--clear cannot be specified with other values")
			}
			sessions, err := c.sessions()
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

func (c *sessionClient) setArgs(
	ctx context.Context, p command.Program, sessions clientv1alpha1.SessionInterface, args []string,
) error {
	if args == nil {
		args = []string{}
	}
	replaced := &v1alpha1.SessionArgs{Spec: v1alpha1.SessionArgsSpec{Args: args}}
	answer, err := sessions.SetArgs(ctx, c.session, replaced, createOptions)
	if err != nil {
		return c.requestError(err)
	}
	if !answer.Status.Changed {
		_, err = fmt.Fprintf(p.Streams.Out, "Tilt is already running with those args -- no action taken\n")
		return command.Printed(err)
	}
	_, err = fmt.Fprintf(p.Streams.Out, "Changed config args for Tilt running at %s:%d to %v\n", c.Host, c.Port, args)
	return command.Printed(err)
}

// argsHeader is the comment above the arguments in an editor.
const argsHeader = `# The arguments of the Tiltfile, as words of a shell. Lines that begin with '#'
# are comments. Save and close the file to change the arguments.
`

// editArgs opens the arguments in an editor and returns the edited ones.
func (c *sessionClient) editArgs(ctx context.Context, sessions clientv1alpha1.SessionInterface) ([]string, error) {
	if cmp.Or(os.Getenv("TILT_EDITOR"), os.Getenv("EDITOR")) == "" {
		return nil, refused("no arguments given, and neither TILT_EDITOR nor EDITOR names an editor; " +
			"give the arguments after --, or use --clear")
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
		return nil, command.WithCode(command.ExitFailure, "edit the arguments: %w", err)
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

// special reports whether a character needs quotes in a word of a shell.
func special(r rune) bool {
	return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("_@%+=:,./-", r)
}

// parseArgs parses edited arguments. An empty file may be a mistake, so it's an error:
// --clear removes all arguments.
func parseArgs(text string) ([]string, error) {
	args, err := shlex.Split(text)
	switch {
	case err != nil:
		return nil, command.WithCode(command.ExitFailure, "parse the edited arguments, which are unchanged: %w", err)
	case len(args) == 0:
		return nil, refused("the edited file has no arguments, so they are unchanged; to remove all, use --clear")
	}
	return args, nil
}
