// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package session

import (
	"fmt"

	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
)

// attributes are what label and field selectors are matched against.
func attributes(obj runtime.Object) (labels.Set, fields.Set, error) {
	session, ok := obj.(*v1alpha1.Session)
	if !ok {
		return nil, nil, fmt.Errorf("%T is not a Session", obj)
	}
	return session.Labels, v1alpha1.SelectableFields(session), nil
}
