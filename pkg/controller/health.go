// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"errors"
	"net/http"
)

// Name is the name of the controller's health check.
func (c *Controller) Name() string { return "session-controller" }

// Check fails before the controller knows all Sessions, and after its end.
func (c *Controller) Check(*http.Request) error {
	if !c.synced.Load() {
		return errors.New("Sessions are not synced")
	}
	return nil
}
