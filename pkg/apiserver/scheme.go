// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"errors"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/registry/session"
)

// StorageCodec returns the codec with which a storage encodes Sessions.
func StorageCodec() (runtime.Codec, error) {
	scheme, err := newScheme()
	if err != nil {
		return nil, err
	}
	return session.Packed(serializer.NewCodecFactory(scheme).LegacyCodec(v1alpha1.SchemeGroupVersion)), nil
}

// newServedScheme returns a scheme of the types that clients see.
func newServedScheme() (*runtime.Scheme, error) {
	scheme := runtime.NewScheme()
	// The types that all groups share, such as Status.
	metav1.AddToGroupVersion(scheme, schema.GroupVersion{Version: "v1"})
	err := errors.Join(v1alpha1.AddToScheme(scheme), scheme.SetVersionPriority(v1alpha1.SchemeGroupVersion))
	if err != nil {
		return nil, fmt.Errorf("register the served types: %w", err)
	}
	return scheme, nil
}

// newScheme returns a scheme of the types that clients see and of the internal ones.
func newScheme() (*runtime.Scheme, error) {
	scheme, err := newServedScheme()
	if err != nil {
		return nil, err
	}
	if err := v1alpha1.AddInternalToScheme(scheme); err != nil {
		return nil, fmt.Errorf("register the internal types: %w", err)
	}
	return scheme, nil
}
