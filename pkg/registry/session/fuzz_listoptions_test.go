// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package session

import (
	"net/url"
	"slices"
	"testing"

	metainternalversion "k8s.io/apimachinery/pkg/apis/meta/internalversion"
	metainternalversionscheme "k8s.io/apimachinery/pkg/apis/meta/internalversion/scheme"
	"k8s.io/apimachinery/pkg/apis/meta/internalversion/validation"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
)

// FuzzListOptions decodes the query of a list or watch as the server does. Accepted options select by the
// four fields alone, and a selector that is formatted and parsed again selects the same.
func FuzzListOptions(f *testing.F) {
	for _, query := range []string{
		"",
		"limit=500&resourceVersion=0&pretty=true",
		"limit=2&continue=eyJ2IjoibWV0YS5rOHMuaW8vdjEiLCJydiI6Nywic3RhcnQiOiJhXHUwMDAwIn0",
		"labelSelector=a%3Db%2Cc+in+%28d%2Ce%29%2C%21f%2Cg%21%3Dh&timeout=32s",
		"fieldSelector=metadata.name%3Da%2Cstatus.done%3Dtrue",
		"fieldSelector=spec.exitCondition%21%3Dci%2Cspec.tiltfilePath%3D%3D%2Fsrc%2FTiltfile",
		"fieldSelector=spec.tiltfilePath%3Da%5C%2Cb%5C%3Dc",
		"fieldSelector=status.pid%3D1",
		"watch=true&allowWatchBookmarks=true&resourceVersion=12&timeoutSeconds=498",
		"watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true&resourceVersion=",
		"resourceVersion=7&resourceVersionMatch=Exact",
		"resourceVersionMatch=Exact&shardSelector=x",
	} {
		f.Add(query)
	}
	scheme := serverScheme(f)
	f.Fuzz(func(t *testing.T, query string) {
		// The server ignores the pairs that can't be read.
		values, _ := url.ParseQuery(query)
		options, ok := decodeListOptions(scheme, values)
		if !ok {
			return
		}
		for _, requirement := range options.FieldSelector.Requirements() {
			if !slices.Contains([]string{v1alpha1.FieldName, v1alpha1.FieldExitCondition, v1alpha1.FieldTiltfilePath, v1alpha1.FieldDone}, requirement.Field) {
				t.Errorf("%q selects by %q", query, requirement.Field)
			}
		}
		checkSelectors(t, options)
	})
}

// decodeListOptions returns options with both selectors set, or false where
// the server answers that the request is bad.
func decodeListOptions(scheme *runtime.Scheme, values url.Values) (*metainternalversion.ListOptions, bool) {
	options := &metainternalversion.ListOptions{}
	if err := metainternalversionscheme.ParameterCodec.DecodeParameters(values, metav1.SchemeGroupVersion, options); err != nil {
		return nil, false
	}
	metainternalversion.SetListOptionsDefaults(options, true)
	if errs := validation.ValidateListOptions(options, true); len(errs) > 0 {
		return nil, false
	}
	if options.LabelSelector == nil {
		options.LabelSelector = labels.Everything()
	}
	if options.FieldSelector == nil {
		options.FieldSelector = fields.Everything()
	}
	var err error
	options.FieldSelector, err = options.FieldSelector.Transform(func(label, value string) (string, string, error) {
		return scheme.ConvertFieldLabel(v1alpha1.SchemeGroupVersion.WithKind("Session"), label, value)
	})
	return options, err == nil
}

// checkSelectors compares what the selectors match with what they match after they were written and parsed again.
func checkSelectors(t *testing.T, options *metainternalversion.ListOptions) {
	byLabel, err := labels.Parse(options.LabelSelector.String())
	if err != nil {
		t.Fatalf("parsing %q again: %v", options.LabelSelector, err)
	}
	byField, err := fields.ParseSelector(options.FieldSelector.String())
	if err != nil {
		t.Fatalf("parsing %q again: %v", options.FieldSelector, err)
	}
	done := stored()
	done.Name, done.Labels, done.Status.Done = "b", map[string]string{"c": "d", "g": "i"}, true
	once, twice := predicate(options.LabelSelector, options.FieldSelector), predicate(byLabel, byField)
	for _, session := range []*v1alpha1.Session{stored(), done} {
		first, err := once.Matches(session)
		if err != nil {
			t.Fatal(err)
		}
		second, err := twice.Matches(session)
		if err != nil || first != second {
			t.Errorf("%q and %q match %s: %v, and once parsed again: %v, %v",
				options.LabelSelector, options.FieldSelector, session.Name, first, second, err)
		}
	}
}
