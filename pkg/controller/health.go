// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"errors"
)

// InformersSynced is a readiness check: it fails before the controller knows
// all Sessions, and after its end. It doesn't wait.
func (c *Controller) InformersSynced(context.Context) error {
	if !c.synced.Load() {
		return errors.New("the controller hasn't seen all Sessions")
	}
	return nil
}

// Working is a readiness check: it fails while no worker takes Sessions up,
// before Run has started them and once it's told to stop. It doesn't wait.
func (c *Controller) Working(context.Context) error {
	if !c.working.Load() {
		return errors.New("the controller doesn't reconcile Sessions")
	}
	return nil
}
