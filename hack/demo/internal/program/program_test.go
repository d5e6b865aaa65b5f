// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package program

import (
	"context"
	"errors"
	"flag"
	"os"
	"syscall"
	"testing"
)

func TestRun(t *testing.T) {
	for _, test := range []struct {
		name string
		body func(context.Context, *flag.FlagSet, []string) error
		code int
	}{
		{"good", func(context.Context, *flag.FlagSet, []string) error { return nil }, 0},
		{"bad", func(context.Context, *flag.FlagSet, []string) error { return errors.New("bad") }, 1},
		{"help", func(_ context.Context, flags *flag.FlagSet, _ []string) error { return flags.Parse([]string{"-h"}) }, 0},
		{"unknown flag", func(_ context.Context, flags *flag.FlagSet, _ []string) error { return flags.Parse([]string{"-x"}) }, 1},
		{"signal", func(ctx context.Context, _ *flag.FlagSet, _ []string) error {
			if err := syscall.Kill(os.Getpid(), syscall.SIGTERM); err != nil {
				return err
			}
			<-ctx.Done()
			return nil
		}, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			if code := Run(test.name, test.body); code != test.code {
				t.Errorf("exit code %d, want %d", code, test.code)
			}
		})
	}
}
