// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package tiltapiserver

import (
	"github.com/tilt-dev/tilt-apiserver/pkg/server/builder/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
)

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
