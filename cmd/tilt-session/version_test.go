// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"runtime/debug"
	"testing"

	utilversion "k8s.io/apimachinery/pkg/util/version"
)

func TestBuildVersion(t *testing.T) {
	commit := []debug.BuildSetting{{Key: "vcs.revision", Value: "0123456789abcdef0123"}, {Key: "vcs.modified", Value: "true"}}
	for _, test := range []struct {
		info *debug.BuildInfo
		want string
	}{
		{nil, "v0.1.0-dev"},
		{&debug.BuildInfo{}, "v0.1.0-dev"},
		{&debug.BuildInfo{Main: debug.Module{Version: "(devel)"}}, "v0.1.0-dev"},
		{&debug.BuildInfo{Main: debug.Module{Version: "(devel)"}, Settings: commit[:1]}, "v0.1.0-dev-g0123456789ab"},
		{&debug.BuildInfo{Main: debug.Module{Version: "(devel)"}, Settings: commit}, "v0.1.0-dev-g0123456789ab-dirty"},
		{&debug.BuildInfo{Main: debug.Module{Version: "v1.2.3"}, Settings: commit}, "v1.2.3"},
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
