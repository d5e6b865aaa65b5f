// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
)

func TestValidateRequests(t *testing.T) {
	trigger := func(names ...string) field.ErrorList {
		return v1alpha1.ValidateSessionTrigger(&v1alpha1.SessionTrigger{Spec: v1alpha1.SessionTriggerSpec{Resources: names}})
	}
	enable := func(spec v1alpha1.SessionEnableSpec) field.ErrorList {
		return v1alpha1.ValidateSessionEnable(&v1alpha1.SessionEnable{Spec: spec})
	}
	disable := func(spec v1alpha1.SessionDisableSpec) field.ErrorList {
		return v1alpha1.ValidateSessionDisable(&v1alpha1.SessionDisable{Spec: spec})
	}
	args := func(args []string) field.ErrorList {
		return v1alpha1.ValidateSessionArgs(&v1alpha1.SessionArgs{Spec: v1alpha1.SessionArgsSpec{Args: args}})
	}
	const nothing = "spec: Required value: at least one of resources, labels and all must be set"
	for _, test := range []struct {
		name string
		errs field.ErrorList
		want []string
	}{
		{"trigger", trigger("web", "(Tiltfile)", "web"), nil},
		{"trigger nothing", trigger(), []string{"spec.resources: Required value: must name at least one resource"}},
		{"trigger nameless", trigger("", "web", ""), []string{
			"spec.resources[0]: Required value: must not be empty",
			"spec.resources[2]: Required value: must not be empty",
		}},
		{"enable by name and label, alone", enable(v1alpha1.SessionEnableSpec{Resources: []string{"a"}, Labels: []string{"b"}, Only: true}), nil},
		{"enable all", enable(v1alpha1.SessionEnableSpec{All: true}), nil},
		{"enable nothing", enable(v1alpha1.SessionEnableSpec{Only: true}), []string{nothing}},
		{"enable everything wrong at once", enable(v1alpha1.SessionEnableSpec{Resources: []string{""}, Labels: []string{""}, All: true, Only: true}), []string{
			"spec.resources: Forbidden: must not be set together with all",
			"spec.labels: Forbidden: must not be set together with all",
			"spec.resources[0]: Required value: must not be empty",
			"spec.labels[0]: Required value: must not be empty",
			"spec.only: Forbidden: must not be set together with all",
		}},
		{"disable by label", disable(v1alpha1.SessionDisableSpec{Labels: []string{"b"}}), nil},
		{"disable nothing", disable(v1alpha1.SessionDisableSpec{Resources: []string{}}), []string{nothing}},
		{"disable all and one", disable(v1alpha1.SessionDisableSpec{Resources: []string{"a"}, All: true}), []string{
			"spec.resources: Forbidden: must not be set together with all",
		}},
		{"args", args([]string{"", "--", "a b"}), nil},
		{"no args", args([]string{}), nil},
		{"args left out", args(nil), []string{"spec.args: Required value: must be set; use an empty list for no arguments"}},
	} {
		if diff := cmp.Diff(append([]string{}, test.want...), messages(test.errs)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
	}
}

func TestValidateLogOptions(t *testing.T) {
	number := func(n int64) *int64 { return &n }
	now, late := metav1.Now(), metav1.NewTime(beyond)
	for _, test := range []struct {
		name    string
		options v1alpha1.SessionLogOptions
		want    []string
	}{
		{"none", v1alpha1.SessionLogOptions{}, nil},
		{"all", v1alpha1.SessionLogOptions{
			Resources: []string{"a", "(Tiltfile)"}, Follow: true, SinceSeconds: number(1), TailLines: number(0), LimitBytes: number(1),
			Timestamps: true, Format: "text", SinceSeq: number(0), LimitLines: number(1), Grep: "a|b", Level: "info",
		}, nil},
		{"a page", v1alpha1.SessionLogOptions{BeforeSeq: number(1), LimitLines: number(1)}, nil},
		{"an expression that takes long", v1alpha1.SessionLogOptions{Grep: "(a|b){1000}c"},
			[]string{`grep: Invalid value: "(a|b){1000}c": repeats too much: each byte of the log may take 3003 steps, and at most 2048 are allowed`}},
		{"a long expression", v1alpha1.SessionLogOptions{Grep: strings.Repeat("x", 1025)}, []string{"grep: Too long: may not be more than 1024 bytes"}},
		{"since a time", v1alpha1.SessionLogOptions{SinceTime: &now, Format: "json"}, nil},
		{"everything wrong at once", v1alpha1.SessionLogOptions{
			Resources: []string{"a", ""}, SinceSeconds: number(0), SinceTime: &late, TailLines: number(-1), LimitBytes: number(0), Format: "JSON",
			SinceSeq: number(-1), BeforeSeq: number(0), Follow: true, LimitLines: number(0), Grep: "(", Level: "debug",
		}, []string{
			"resources[1]: Required value: must not be empty",
			"sinceSeconds: Invalid value: 0: must be at least 1",
			"tailLines: Invalid value: -1: must not be negative",
			"sinceSeq: Invalid value: -1: must not be negative",
			"beforeSeq: Invalid value: 0: must be at least 1",
			"limitLines: Invalid value: 0: must be at least 1",
			"limitBytes: Invalid value: 0: must be at least 1",
			"sinceTime: Invalid value: " + quoted(beyond) + ": must be between the years 0000 and 9999 in UTC",
			"sinceTime: Forbidden: must not be set together with sinceSeconds",
			"beforeSeq: Forbidden: must not be set together with follow",
			`grep: Invalid value: "(": error parsing regexp: missing closing ): ` + "`(`",
			`level: Unsupported value: "debug": valid values: info, warn, error`,
			`format: Unsupported value: "JSON": valid values: text, json`,
		}},
	} {
		if diff := cmp.Diff(append([]string{}, test.want...), messages(v1alpha1.ValidateSessionLogOptions(&test.options))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
	}
}

func quoted(t time.Time) string { return `"` + t.String() + `"` }
