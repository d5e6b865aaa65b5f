// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package tiltapiserver

import (
	"github.com/tilt-dev/tilt-apiserver/pkg/server/builder/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
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

// GetGroupVersionResource says under which path Sessions are served.
func (*Session) GetGroupVersionResource() schema.GroupVersionResource {
	return v1alpha1.SchemeGroupVersion.WithResource("sessions")
}

// IsStorageVersion is true: there's one version, which is stored as it's served.
func (*Session) IsStorageVersion() bool { return true }

// GetSingularName lets kubectl users write "session".
func (*Session) GetSingularName() string { return "session" }

// ShortNames are those of our own server.
func (*Session) ShortNames() []string { return (*registry.REST)(nil).ShortNames() }

// DeepCopyInto copies the Session into out.
func (s *Session) DeepCopyInto(out *Session) { s.Session.DeepCopyInto(&out.Session) }

// DeepCopyObject implements runtime.Object.
func (s *Session) DeepCopyObject() runtime.Object {
	out := &Session{}
	s.DeepCopyInto(out)
	return out
}
