// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package session

import (
	"encoding/json"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
)

// Args are the arguments of the Tiltfile that a Session's annotation asks for,
// none without it. The error says what's wrong with the annotation.
func Args(s *v1alpha1.Session) ([]string, error) {
	return v1alpha1.ParseArgs(s.Annotations[v1alpha1.AnnotationArgs])
}

// FormatArgs is a value of the annotation that Args reads args from.
func FormatArgs(args []string) string {
	if args == nil {
		args = []string{}
	}
	value, _ := json.Marshal(args) // strings can't fail to be encoded
	return string(value)
}
