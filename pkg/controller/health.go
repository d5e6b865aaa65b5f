// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"errors"
)

// Check is a readiness check: it fails before the controller knows all
// Sessions, and after its end. It doesn't wait.
func (c *Controller) Check(context.Context) error {
	if !c.synced.Load() {
		return errors.New("the controller hasn't seen all Sessions")
	}
	return nil
}
