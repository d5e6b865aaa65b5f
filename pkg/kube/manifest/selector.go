// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package manifest

import (
	"fmt"
	"regexp"

	"tilt.dev/session/pkg/model"
)

// Selector is a compiled model.ObjectSelector. The zero value matches everything.
type Selector struct{ apiVersion, kind, name, namespace *regexp.Regexp }

// NewSelector compiles the regular expressions of a selector. The error names the one that is wrong.
func NewSelector(s model.ObjectSelector) (compiled Selector, err error) {
	for _, expression := range []struct {
		field, text string
		to          **regexp.Regexp
	}{
		{"api_version", s.APIVersion, &compiled.apiVersion},
		{"kind", s.Kind, &compiled.kind},
		{"name", s.Name, &compiled.name},
		{"namespace", s.Namespace, &compiled.namespace},
	} {
		if expression.text == "" {
			continue
		}
		if *expression.to, err = regexp.Compile("(?i)" + expression.text); err != nil {
			return Selector{}, fmt.Errorf("%s %q: %w", expression.field, expression.text, err)
		}
	}
	return compiled, nil
}

// Matches is true if all regular expressions match the object. An object without a namespace is in "default".
func (s Selector) Matches(o model.Object) bool {
	id := IDOf(o)
	matches := func(x *regexp.Regexp, text string) bool { return x == nil || x.MatchString(text) }
	return matches(s.apiVersion, id.APIVersion) && matches(s.kind, id.Kind) &&
		matches(s.name, id.Name) && matches(s.namespace, id.namespace())
}
