// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package session

import (
	"fmt"
	"strings"

	apiequality "k8s.io/apimachinery/pkg/api/equality"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
)

// warnings are what a client is told of a Session that it has written, in place of
// previous: what is accepted but won't do what it seems to. What isn't changed has
// been told already.
func warnings(session, previous *v1alpha1.Session) []string {
	var warnings []string
	warn := func(err error) {
		if err != nil {
			warnings = append(warnings, err.Error())
		}
	}
	changed := func(annotation string) (value string, ok bool) {
		value, ok = session.Annotations[annotation]
		before, was := previous.Annotations[annotation]
		return value, ok && (!was || value != before)
	}
	args, newArgs := changed(v1alpha1.AnnotationArgs)
	if newArgs {
		warn(checkArgs(args))
	}
	if value, ok := changed(v1alpha1.AnnotationKeepGoing); ok {
		_, err := v1alpha1.ParseKeepGoing(value)
		warn(err)
	}
	if value, ok := changed(v1alpha1.AnnotationTTLAfterFinished); ok {
		if _, err := v1alpha1.ParseTTLAfterFinished(value); err != nil {
			warn(fmt.Errorf("%w: the Session won't be deleted by itself", err))
		}
	}
	if previous.Status.Done && (newArgs || !apiequality.Semantic.DeepEqual(session.Spec, previous.Spec)) {
		warn(fmt.Errorf("session %q is done, and isn't run again whatever is changed: create another one, or delete it and create it again", session.Name))
	}
	return warnings
}

// checkArgs finds what can't be read, and what was written for a shell.
func checkArgs(value string) error {
	if _, err := v1alpha1.ParseArgs(value); err != nil {
		return err
	}
	if !strings.HasPrefix(strings.TrimSpace(value), "[") && strings.ContainsAny(value, `"'`) {
		return fmt.Errorf(`annotation %s: quotes are a part of the words that spaces separate; use a list such as ["--env=a b"] for an argument with spaces`, v1alpha1.AnnotationArgs)
	}
	return nil
}
