// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package scratch

import (
	"context"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/registry/uiresource"
)

// NoUI is the source of UIResources and UIButtons of a server that runs nothing.
type NoUI struct{}

var _ uiresource.Source = NoUI{}

// Version implements uiresource.Source. It never changes.
func (NoUI) Version() (uint64, <-chan struct{}) { return 0, nil }

// Project implements uiresource.Source. There are no objects.
func (NoUI) Project(func(string) *v1alpha1.UIResource) ([]*v1alpha1.UIResource, []*v1alpha1.UIButton) {
	return nil, nil
}

// Press implements uiresource.Source. It is never called.
func (NoUI) Press(context.Context, *v1alpha1.UIButton) error { return nil }
