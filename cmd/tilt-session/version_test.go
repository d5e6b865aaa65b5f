// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"runtime/debug"
	"testing"

	utilversion "k8s.io/apimachinery/pkg/util/version"
)

func TestBuildVersion(t *testing.T) {
	for _, test := range []struct {
		info *debug.BuildInfo
		want string
	}{
		{nil, "v0.1.0-dev"},
		{&debug.BuildInfo{}, "v0.1.0-dev"},
		{&debug.BuildInfo{Main: debug.Module{Version: "(devel)"}}, "v0.1.0-dev"},
		{&debug.BuildInfo{Main: debug.Module{Version: "v1.2.3"}}, "v1.2.3"},
		{
			&debug.BuildInfo{Main: debug.Module{Version: "v0.0.0-20260102030405-0123456789ab+dirty"}},
			"v0.0.0-20260102030405-0123456789ab+dirty",
		},
	} {
		got := buildVersion(test.info)
		if got != test.want {
			t.Errorf("%+v: %s, want %s", test.info, got, test.want)
		}
		// The API server refuses any other.
		if _, err := utilversion.ParseSemantic(got); err != nil {
			t.Error(err)
		}
	}
}
