// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"fmt"
	"slices"
)

// followArgs applies spec.args to the run when it has changed.
func (r *run) followArgs(ctx context.Context) error {
	args := r.session.Spec.Args
	if slices.Equal(args, r.args) {
		return nil
	}
	if _, err := r.control.SetArgs(ctx, args); err != nil {
		return fmt.Errorf("changing the arguments: %w", err)
	}
	r.args = args
	return nil
}
