// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package tiltapiserver

import (
	"github.com/tilt-dev/tilt-apiserver/pkg/server/builder/resource"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
)

// status is what a write of the status subresource may change.
type status struct{ from *v1alpha1.SessionStatus }

var (
	_ resource.ObjectWithStatusSubResource = (*Session)(nil)
	_ resource.StatusSubResource           = status{}
)

// GetStatus returns the status as something that can be copied to another Session.
func (s *Session) GetStatus() resource.StatusSubResource { return status{&s.Status} }

// CopyTo replaces the status of another Session by a copy. The library calls it with the
// type that GetStatus belongs to, a *Session.
func (s status) CopyTo(parent resource.ObjectWithStatusSubResource) {
	session := parent.(*Session)
	session.Status = v1alpha1.SessionStatus{}
	s.from.DeepCopyInto(&session.Status)
}
