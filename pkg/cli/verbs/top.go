// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package verbs

import (
	"context"
	"os"
	"time"

	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"tilt.dev/session/pkg/cli/command"
	"tilt.dev/session/pkg/cli/webpage"
	"tilt.dev/session/pkg/controller"
	"tilt.dev/session/pkg/view/live"
)

func newTopCommand(p command.Program) *cobra.Command {
	c, colours := &sessionClient{}, &command.Colours{}
	cmd := &cobra.Command{
		Use:   "top",
		Short: "Show a running Session in a live view",
		Long: `Shows the resources and the log of a running Session as "up" does, wherever it
runs. "?" lists the keys; "q" leaves the view, and the Session goes on. It needs
a terminal of at least 40 columns and 10 rows.`,
		Example: `  tilt-session top
  tilt-session top --port 10351 --session nightly`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return c.top(cmd, p, colours) },
	}
	c.addFlags(cmd)
	colours.AddFlag(cmd.Flags())
	return cmd
}

func (c *sessionClient) top(cmd *cobra.Command, p command.Program, colours *command.Colours) error {
	in, isIn := p.Streams.In.(*os.File)
	out, isOut := p.Streams.Out.(*os.File)
	if !isIn || !isOut || !live.Look(in, out).Live() {
		return command.WithCode(command.ExitUsage,
			`top needs a terminal of at least 40 columns and 10 rows; "status" and "logs" print lines`)
	}
	api, err := c.api()
	if err != nil {
		return err
	}
	if _, err := api.Sessions().Get(cmd.Context(), c.session, metav1.GetOptions{}); err != nil {
		return c.requestError(err)
	}
	client := &live.Client{API: api, Name: c.session, Manager: controller.FieldManager}
	var ending live.Ending
	err, _ = p.Group().Run(cmd.Context(), nil, func(ctx context.Context) (err error) {
		ending, err = live.Run(ctx, in, out, live.Options{
			Source: client, Control: client, Title: "top " + c.session,
			Style: colours.Style(out), Now: time.Now, Zone: time.Local,
			Page: webpage.Opener(api.RESTClient(), c.session),
		})
		return err
	})
	if err != nil {
		return command.WithCode(command.ExitFailure, "%w", err)
	}
	if ending == live.EndedForStream {
		logs := &logsOptions{sessionClient: *c, follow: true, tail: -1}
		return logs.print(cmd, p, nil)
	}
	return nil
}
