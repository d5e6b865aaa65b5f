// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	"fmt"
	"net/url"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/conversion"
	"k8s.io/apimachinery/pkg/runtime"
)

// addParameterConversion lets a server read SessionLogOptions from a query.
func addParameterConversion(scheme *runtime.Scheme) error {
	convert := func(from, to any, scope conversion.Scope) error {
		return convertLogOptions(*from.(*url.Values), to.(*SessionLogOptions), scope)
	}
	return scheme.AddConversionFunc((*url.Values)(nil), (*SessionLogOptions)(nil), convert)
}

// convertLogOptions sets each option whose parameter is present. As everywhere in the
// API a boolean parameter is true unless it is "false" or "0", and the first of several
// values counts.
func convertLogOptions(from url.Values, to *SessionLogOptions, scope conversion.Scope) error {
	to.Resources = from["resources"]
	for _, parameter := range []struct {
		name    string
		convert func(values []string) error
	}{
		{"follow", func(v []string) error { return runtime.Convert_Slice_string_To_bool(&v, &to.Follow, scope) }},
		{"sinceSeconds", func(v []string) error {
			return runtime.Convert_Slice_string_To_Pointer_int64(&v, &to.SinceSeconds, scope)
		}},
		{"sinceTime", func(v []string) error {
			return metav1.Convert_Slice_string_To_Pointer_v1_Time(&v, &to.SinceTime, scope)
		}},
		{"tailLines", func(v []string) error {
			return runtime.Convert_Slice_string_To_Pointer_int64(&v, &to.TailLines, scope)
		}},
		{"limitBytes", func(v []string) error {
			return runtime.Convert_Slice_string_To_Pointer_int64(&v, &to.LimitBytes, scope)
		}},
		{"timestamps", func(v []string) error { return runtime.Convert_Slice_string_To_bool(&v, &to.Timestamps, scope) }},
		{"format", func(v []string) error { return runtime.Convert_Slice_string_To_string(&v, &to.Format, scope) }},
	} {
		if values := from[parameter.name]; len(values) > 0 {
			if err := parameter.convert(values); err != nil {
				return fmt.Errorf("parameter %s: %w", parameter.name, err)
			}
		}
	}
	return nil
}
