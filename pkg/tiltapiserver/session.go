// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package tiltapiserver

import (
	"context"

	"github.com/tilt-dev/tilt-apiserver/pkg/server/builder/resource"
	"github.com/tilt-dev/tilt-apiserver/pkg/server/builder/resource/resourcestrategy"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/apiserver/pkg/registry/rest"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	registry "tilt.dev/session/pkg/registry/session"
)

// Session is a v1alpha1.Session, the same on the wire and in OpenAPI.
type Session struct {
	v1alpha1.Session `json:",inline"`
}

var (
	_ resource.Object           = (*Session)(nil)
	_ rest.SingularNameProvider = (*Session)(nil)
	_ rest.ShortNamesProvider   = (*Session)(nil)
)

// GetObjectMeta returns the metadata itself, not a copy.
func (s *Session) GetObjectMeta() *metav1.ObjectMeta { return &s.ObjectMeta }

// NamespaceScoped is false: Sessions have no namespace.
func (*Session) NamespaceScoped() bool { return false }

// New returns an empty Session.
func (*Session) New() runtime.Object { return &Session{} }

// NewList returns an empty list of Sessions.
func (*Session) NewList() runtime.Object { return &SessionList{} }

// GetGroupVersionResource implements resource.Object.
func (*Session) GetGroupVersionResource() schema.GroupVersionResource {
	return v1alpha1.SchemeGroupVersion.WithResource("sessions")
}

// IsStorageVersion is true: there's one version, which is stored as it's served.
func (*Session) IsStorageVersion() bool { return true }

// GetSingularName implements rest.SingularNameProvider.
func (*Session) GetSingularName() string { return "session" }

// ShortNames returns those of this module's own server.
func (*Session) ShortNames() []string { return (*registry.REST)(nil).ShortNames() }

// DeepCopyInto copies the Session into out.
func (s *Session) DeepCopyInto(out *Session) { s.Session.DeepCopyInto(&out.Session) }

// DeepCopyObject implements runtime.Object.
func (s *Session) DeepCopyObject() runtime.Object {
	out := &Session{}
	s.DeepCopyInto(out)
	return out
}

// status is the part of a Session that a write of the status subresource changes.
type status struct{ from *v1alpha1.SessionStatus }

var (
	_ resource.ObjectWithStatusSubResource = (*Session)(nil)
	_ resource.StatusSubResource           = status{}
)

// GetStatus implements resource.ObjectWithStatusSubResource.
func (s *Session) GetStatus() resource.StatusSubResource { return status{&s.Status} }

// CopyTo replaces the status of another Session by a copy. The library calls it with the
// type that GetStatus belongs to, a *Session.
func (s status) CopyTo(parent resource.ObjectWithStatusSubResource) {
	session := parent.(*Session)
	session.Status = v1alpha1.SessionStatus{}
	s.from.DeepCopyInto(&session.Status)
}

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

// strategy returns the strategy of this module's own server. It needs no scheme because nothing here asks it for kinds.
func strategy() rest.RESTCreateUpdateStrategy { return registry.NewStrategy(nil) }

// Default sets the defaults of missing fields.
func (s *Session) Default() { v1alpha1.SetObjectDefaults_Session(&s.Session) }

// PrepareForCreate drops the fields that clients can't set.
func (s *Session) PrepareForCreate(ctx context.Context) { strategy().PrepareForCreate(ctx, &s.Session) }

// PrepareForUpdate keeps the status, and counts changes of the spec.
func (s *Session) PrepareForUpdate(ctx context.Context, old runtime.Object) {
	strategy().PrepareForUpdate(ctx, &s.Session, &old.(*Session).Session)
}

// Validate returns all faults in a new Session.
func (s *Session) Validate(ctx context.Context) field.ErrorList {
	return strategy().Validate(ctx, &s.Session)
}

// ValidateUpdate returns all faults in a Session that replaces old. It is called for writes of the
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

// ConvertToTable implements resourcestrategy.TableConverter.
func (s *Session) ConvertToTable(ctx context.Context, options runtime.Object) (*metav1.Table, error) {
	return registry.NewTableConvertor().ConvertToTable(ctx, &s.Session, options)
}

// ConvertToTable implements resourcestrategy.TableConverter.
func (l *SessionList) ConvertToTable(ctx context.Context, options runtime.Object) (*metav1.Table, error) {
	list := &v1alpha1.SessionList{ListMeta: l.ListMeta, Items: make([]v1alpha1.Session, len(l.Items))}
	for i := range l.Items {
		list.Items[i] = l.Items[i].Session
	}
	return registry.NewTableConvertor().ConvertToTable(ctx, list, options)
}

// SessionList is a v1alpha1.SessionList, the same on the wire and in OpenAPI.
type SessionList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`

	// Items are the Sessions.
	Items []Session `json:"items"`
}

var _ resource.ObjectList = (*SessionList)(nil)

// GetListMeta returns the metadata itself, not a copy.
func (l *SessionList) GetListMeta() *metav1.ListMeta { return &l.ListMeta }

// OpenAPIModelName names the schema that describes the list.
func (SessionList) OpenAPIModelName() string { return v1alpha1.SessionList{}.OpenAPIModelName() }

// DeepCopyObject implements runtime.Object.
func (l *SessionList) DeepCopyObject() runtime.Object {
	out := &SessionList{TypeMeta: l.TypeMeta}
	l.ListMeta.DeepCopyInto(&out.ListMeta)
	if l.Items != nil {
		out.Items = make([]Session, len(l.Items))
	}
	for i := range l.Items {
		l.Items[i].DeepCopyInto(&out.Items[i])
	}
	return out
}
