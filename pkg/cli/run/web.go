// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package run

import (
	"context"
	"fmt"
	"os"
	"sync"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/cli/command"
	"tilt.dev/session/pkg/cli/webpage"
	"tilt.dev/session/pkg/view"
	"tilt.dev/session/pkg/view/live"
)

// webPage is how a person is led to the page of a run.
type webPage struct {
	// served is true if the server has it, printed if an address with a code is printed, opened if a browser opens it.
	served, printed, opened bool
}

// newWebPage prints no address where many may read it, such as in the log of a CI system or of a run in the background.
func (o *options) newWebPage() webPage {
	up := o.exitCondition == v1alpha1.ExitConditionManual
	served, foreground := o.web.On(), o.detached.log == ""
	ci := view.Truthy(os.Getenv("CI")) || o.ciSystems.github.on() || o.ciSystems.gitlab.on()
	return webPage{
		served:  served,
		printed: served && up && foreground && !ci,
		opened:  served && up && o.openPage && foreground,
	}
}

// opener opens the page from the live view.
func (w webPage) opener(client *live.Client) func(ctx context.Context, resource string) (string, error, error) {
	if !w.served {
		return nil
	}
	return webpage.Opener(client.API.RESTClient(), client.Name)
}

// pageLine is the line that says where the page is, empty if it isn't to be printed.
func (c *console) pageLine() string {
	if !c.terminal.page.printed {
		return ""
	}
	address, err := c.api.WebURL(false)
	if err != nil {
		return "" // The server is bound to an address where browsers would not be safe.
	}
	return "Web: " + address + "\n"
}

// openPage opens the page in the browser if that is asked for. The returned function waits for the attempt.
func (c *console) openPage(ctx context.Context) (wait func()) {
	var work sync.WaitGroup
	if c.terminal.page.opened {
		work.Go(func() {
			if err := openPage(ctx, c.api.WebURL); err != nil {
				c.program.Warn(err)
			}
		})
	}
	return work.Wait
}

// openPage opens the page at the Session, and returns why no browser shows it.
func openPage(ctx context.Context, address webpage.AddressFunc) error {
	opened, err := webpage.Show(ctx, address, webpage.Route(command.SessionName, ""))
	if err == nil {
		err = opened.Why
	}
	if err != nil && ctx.Err() == nil {
		return fmt.Errorf("no browser shows the web page: %w", err)
	}
	return nil
}
