// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package session

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
)

// Args are the arguments of the Tiltfile that a Session's annotation asks for,
// none without it. The error says what's wrong with the annotation.
func Args(s *v1alpha1.Session) ([]string, error) {
	args, err := parseArgs(s.Annotations[v1alpha1.AnnotationArgs])
	if err != nil {
		return nil, fmt.Errorf("annotation %s: %w", v1alpha1.AnnotationArgs, err)
	}
	return args, nil
}

// FormatArgs is a value of the annotation that Args reads args from.
func FormatArgs(args []string) string {
	if args == nil {
		args = []string{}
	}
	value, _ := json.Marshal(args) // strings can't fail to be encoded
	return string(value)
}

var errArgs = errors.New(`must be a list of strings in JSON, such as ["web","--env=a b"], or words separated by spaces that don't begin with "["`)

func parseArgs(value string) ([]string, error) {
	if !strings.HasPrefix(strings.TrimSpace(value), "[") {
		return strings.Fields(value), nil
	}
	var list []*string
	if err := json.Unmarshal([]byte(value), &list); err != nil {
		return nil, fmt.Errorf("%w: %w", errArgs, err)
	}
	args := make([]string, len(list))
	for i, arg := range list {
		if arg == nil {
			return nil, fmt.Errorf("%w: item %d is null", errArgs, i)
		}
		args[i] = *arg
	}
	return args, nil
}
