// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package run

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/cli/command"
	"tilt.dev/session/pkg/cli/webpage"
	clientv1alpha1 "tilt.dev/session/pkg/generated/clientset/versioned/typed/core/v1alpha1"
	"tilt.dev/session/pkg/view"
	"tilt.dev/session/pkg/view/live"
)

// webPage is how a person is led to the page of a run.
type webPage struct {
	// served is true if the server has it, told if an address with a code is printed, opened if a browser opens it.
	served, told, opened bool
}

// newWebPage prints no address where many may read it, such as in the log of a CI system or of a run in the background.
func (o *options) newWebPage() webPage {
	up := o.exitCondition == v1alpha1.ExitConditionManual
	served, foreground := o.web.On(), o.detached.log == ""
	return webPage{
		served: served,
		told:   served && up && foreground && !view.Truthy(os.Getenv("CI")),
		opened: served && up && o.openPage && foreground,
	}
}

// opener opens the page from the live view.
func (w webPage) opener(client *live.Client) func(ctx context.Context, resource string) (string, error, error) {
	if !w.served {
		return nil
	}
	return func(ctx context.Context, resource string) (string, error, error) {
		opened, err := webpage.Open(ctx, client.API.RESTClient(), webpage.Route(client.Name, resource))
		return opened.Address, opened.Why, err
	}
}

// pageLine is the line that says where the page is, empty if it isn't to be printed.
func (c *console) pageLine(ctx context.Context) string {
	if !c.terminal.page.told {
		return ""
	}
	client, err := c.terminal.client()
	if err != nil {
		return ""
	}
	address, err := webpage.Address(ctx, client.API.RESTClient(), false)
	switch {
	case errors.Is(err, webpage.ErrNotServed), ctx.Err() != nil:
		return ""
	case err != nil:
		c.program.Warn(fmt.Errorf("the web page can't be opened: %w", err))
		return ""
	}
	return "Web: " + address + "\n"
}

// openPage opens the page in the browser if that is asked for. The returned function waits for the attempt.
func (c *console) openPage(ctx context.Context) (wait func()) {
	var work sync.WaitGroup
	if c.terminal.page.opened {
		work.Go(func() {
			client, err := c.terminal.client()
			if err == nil {
				openPage(ctx, client.API, c.program.Warn)
			}
		})
	}
	return work.Wait
}

// openPage opens the page of a server in the browser, at the Session of up.
func openPage(ctx context.Context, server clientv1alpha1.TiltV1alpha1Interface, warn func(error)) {
	opened, err := webpage.Open(ctx, server.RESTClient(), webpage.Route(command.SessionName, ""))
	if err = errors.Join(err, opened.Why); err != nil && ctx.Err() == nil {
		warn(fmt.Errorf("no browser shows the web page: %w", err))
	}
}
