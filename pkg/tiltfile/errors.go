// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package tiltfile

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"go.starlark.net/resolve"
	"go.starlark.net/starlark"
)

// Kind is the step at which an evaluation failed.
type Kind int

// The kinds of errors.
const (
	// KindEvaluation is an error during the execution: wrong arguments of a builtin, fail(), a failed local(), a
	// limit. It is also one of images and Kubernetes resources that don't go together, or of a context that isn't
	// allowed.
	KindEvaluation Kind = iota
	// KindMissing is a main Tiltfile that doesn't exist.
	KindMissing
	// KindUnreadable is a main Tiltfile that exists and can't be read.
	KindUnreadable
	// KindSyntax is a file that isn't Starlark, or uses undefined names.
	KindSyntax
	// KindResources is a Tiltfile that executes without an error, but defines no resources, resources that depend on
	// themselves, or not those that the arguments name.
	KindResources
	// KindCanceled is an evaluation that was stopped by its context.
	KindCanceled
)

// Error is the failure of an evaluation.
type Error struct {
	Kind Kind
	// Text is for people. It can have several lines, such as a traceback.
	Text  string
	cause error
}

// Error returns the text.
func (e *Error) Error() string { return e.Text }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.cause }

// sourceFailure returns the error for a file that doesn't compile. It lists the undefined names, one on each line.
func sourceFailure(err error) error {
	const most = 10
	text := err.Error()
	var undefined resolve.ErrorList
	if errors.As(err, &undefined) {
		var lines []string
		for _, problem := range undefined[:min(most, len(undefined))] {
			lines = append(lines, problem.Error())
		}
		if more := len(undefined) - most; more > 0 {
			lines = append(lines, fmt.Sprintf("and %d more", more))
		}
		text = strings.Join(lines, "\n")
	}
	return &Error{KindSyntax, text, err}
}

// explain turns the error of an evaluation into an *Error.
func (e *evaluation) explain(err error) error {
	if cause := context.Cause(e.Context); cause != nil {
		return &Error{KindCanceled, "evaluation of the Tiltfile was stopped: " + cause.Error(), cause}
	}
	explained := &Error{KindEvaluation, err.Error(), err}
	errors.As(err, &explained)
	if eval := innermost(err); eval != nil {
		return &Error{explained.Kind, traceback(eval), err}
	}
	return explained
}

// innermost returns the evaluation error with the longest stack: a failing load gives one for each file on the way.
func innermost(err error) *starlark.EvalError {
	var found *starlark.EvalError
	for next := found; errors.As(err, &next); err = next.Unwrap() {
		found = next
	}
	return found
}

// traceback describes an error and the calls that led to it as Python does. It leaves out the middle of a long stack.
func traceback(err *starlark.EvalError) string {
	const most = 20
	calls, place := slices.Clone(err.CallStack), ""
	if last := len(calls) - 1; last >= 0 && calls[last].Pos.Line == 0 {
		calls, place = calls[:last], " in "+calls[last].Name
	}
	var b strings.Builder
	b.WriteString("Traceback (most recent call last):\n")
	for i, call := range calls {
		switch hidden := len(calls) - most; {
		case hidden <= 0 || i < most/2 || i >= len(calls)-most/2:
			fmt.Fprintf(&b, "  %s: in %s\n", call.Pos, call.Name)
		case i == most/2:
			fmt.Fprintf(&b, "  ... %d more calls ...\n", hidden)
		}
	}
	fmt.Fprintf(&b, "Error%s: %s", place, strings.TrimPrefix(err.Msg, "Starlark computation cancelled: "))
	return b.String()
}
