// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package run

import (
	"context"
	"fmt"
	"sync"

	"tilt.dev/session/pkg/host"
	"tilt.dev/session/pkg/logs"
	"tilt.dev/session/pkg/report"
)

// logDirectory is a part that writes the output as it comes to --log-dir. An error of that is one warning, and the run
// goes on.
func (o *options) logDirectory(log *logs.Store, warn func(error)) host.Part {
	return host.Part{Name: "log directory", Run: func(ctx context.Context, ready func()) error {
		directory, err := report.NewDirectory(o.reports.logDir)
		if err != nil {
			return fmt.Errorf("--log-dir: %w", err)
		}
		var writing sync.WaitGroup
		writing.Go(func() {
			selection := logs.Selection{Until: make(chan struct{})}
			for batch := range log.Read(context.WithoutCancel(ctx), selection) {
				if err = directory.Print(batch); err != nil {
					break
				}
			}
			if closed := directory.Close(); err == nil {
				err = closed
			}
			if err != nil {
				warn(fmt.Errorf("--log-dir: what follows isn't written: %w", err))
			}
		})
		ready()
		<-ctx.Done()
		log.Close()
		writing.Wait()
		return nil
	}}
}
