// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

// maxShownValue is how many bytes of an annotation an error shows.
const maxShownValue = 100

var errArgs = errors.New(`must be a list of strings in JSON, such as ["web","--env=a b"], or words separated by spaces that don't begin with "["`)

// ParseArgs returns the arguments that a value of AnnotationArgs has.
func ParseArgs(value string) ([]string, error) {
	if !strings.HasPrefix(strings.TrimSpace(value), "[") {
		return strings.Fields(value), nil
	}
	var list []*string
	if err := json.Unmarshal([]byte(value), &list); err != nil {
		return nil, fmt.Errorf("annotation %s: %w: %w", AnnotationArgs, errArgs, err)
	}
	args := make([]string, len(list))
	for i, arg := range list {
		if arg == nil {
			return nil, fmt.Errorf("annotation %s: %w: item %d is null", AnnotationArgs, errArgs, i)
		}
		args[i] = *arg
	}
	return args, nil
}

// ParseTTLAfterFinished returns the time that a value of
// AnnotationTTLAfterFinished stands for, which isn't negative.
func ParseTTLAfterFinished(value string) (time.Duration, error) {
	ttl, err := time.ParseDuration(value)
	if err != nil || ttl < 0 {
		return 0, fmt.Errorf("annotation %s: %q isn't a duration such as \"90s\" or \"1h30m\"", AnnotationTTLAfterFinished, shown(value))
	}
	return ttl, nil
}

// ParseKeepGoing tells what a value of AnnotationKeepGoing asks for. One that
// isn't known, which is an error, is the same as "false".
func ParseKeepGoing(value string) (bool, error) {
	switch value {
	case "true":
		return true, nil
	case "false", "":
		return false, nil
	}
	return false, fmt.Errorf("annotation %s: %q is neither \"true\" nor \"false\", and is taken for \"false\"", AnnotationKeepGoing, shown(value))
}

// shown is as much of a value as an error shows.
func shown(value string) string {
	if len(value) <= maxShownValue {
		return value
	}
	return strings.ToValidUTF8(value[:maxShownValue], "")
}
