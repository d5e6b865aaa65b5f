// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package tiltapiserver

import (
	"context"

	"github.com/tilt-dev/tilt-apiserver/pkg/server/builder/resource/resourcestrategy"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/apiserver/pkg/registry/rest"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	registry "tilt.dev/session/pkg/registry/session"
)

var (
	_ resourcestrategy.Defaulter                 = (*Session)(nil)
	_ resourcestrategy.PrepareForCreater         = (*Session)(nil)
	_ resourcestrategy.PrepareForUpdater         = (*Session)(nil)
	_ resourcestrategy.Validater                 = (*Session)(nil)
	_ resourcestrategy.ValidateUpdater           = (*Session)(nil)
	_ resourcestrategy.AllowCreateOnUpdater      = (*Session)(nil)
	_ resourcestrategy.AllowUnconditionalUpdater = (*Session)(nil)
	_ resourcestrategy.TableConverter            = (*Session)(nil)
	_ resourcestrategy.TableConverter            = (*SessionList)(nil)
)

// strategy is that of our own server. Nothing here asks it for kinds, so it needs no scheme.
func strategy() rest.RESTCreateUpdateStrategy { return registry.NewStrategy(nil) }

// Default fills in what a client left out.
func (s *Session) Default() { v1alpha1.SetObjectDefaults_Session(&s.Session) }

// PrepareForCreate drops what a client may not set.
func (s *Session) PrepareForCreate(ctx context.Context) { strategy().PrepareForCreate(ctx, &s.Session) }

// PrepareForUpdate keeps what a write of the main resource may not change, and counts changes of the spec.
func (s *Session) PrepareForUpdate(ctx context.Context, old runtime.Object) {
	strategy().PrepareForUpdate(ctx, &s.Session, &old.(*Session).Session)
}

// Validate returns everything that is wrong with a new Session.
func (s *Session) Validate(ctx context.Context) field.ErrorList {
	return strategy().Validate(ctx, &s.Session)
}

// ValidateUpdate returns everything that is wrong with a Session that replaces old. It is called for writes of the
// main resource and of the status alike, so it checks both. What a write doesn't change was valid before.
func (s *Session) ValidateUpdate(ctx context.Context, old runtime.Object) field.ErrorList {
	previous := &old.(*Session).Session
	errs := strategy().ValidateUpdate(ctx, &s.Session, previous)
	return append(errs, v1alpha1.ValidateSessionStatusUpdate(&s.Session, previous)...)
}

// AllowCreateOnUpdate reports whether a PUT may create.
func (*Session) AllowCreateOnUpdate() bool { return strategy().AllowCreateOnUpdate() }

// AllowUnconditionalUpdate reports whether a PUT may have no resourceVersion.
func (*Session) AllowUnconditionalUpdate() bool { return strategy().AllowUnconditionalUpdate() }

// ConvertToTable renders the Session for people.
func (s *Session) ConvertToTable(ctx context.Context, options runtime.Object) (*metav1.Table, error) {
	return registry.NewTableConvertor().ConvertToTable(ctx, &s.Session, options)
}

// ConvertToTable renders the Sessions for people.
func (l *SessionList) ConvertToTable(ctx context.Context, options runtime.Object) (*metav1.Table, error) {
	list := &v1alpha1.SessionList{ListMeta: l.ListMeta, Items: make([]v1alpha1.Session, len(l.Items))}
	for i := range l.Items {
		list.Items[i] = l.Items[i].Session
	}
	return registry.NewTableConvertor().ConvertToTable(ctx, list, options)
}
