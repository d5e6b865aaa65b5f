// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"fmt"
	"runtime"
	"strconv"
	"strings"

	utilversion "k8s.io/apimachinery/pkg/util/version"
	apimachineryversion "k8s.io/apimachinery/pkg/version"
	"k8s.io/apiserver/pkg/util/compatibility"
	basecompatibility "k8s.io/component-base/compatibility"
)

// effectiveVersion has the features of the library and reports our version.
type effectiveVersion struct {
	basecompatibility.EffectiveVersion
	info apimachineryversion.Info
}

func newEffectiveVersion(ours string) (effectiveVersion, error) {
	parsed, err := utilversion.ParseSemantic(ours)
	if err != nil {
		return effectiveVersion{}, fmt.Errorf("version: %w", err)
	}
	return effectiveVersion{
		EffectiveVersion: compatibility.DefaultBuildEffectiveVersion(),
		info: apimachineryversion.Info{
			Major:      strconv.FormatUint(uint64(parsed.Major()), 10),
			Minor:      strconv.FormatUint(uint64(parsed.Minor()), 10),
			GitVersion: "v" + strings.TrimPrefix(ours, "v"),
			GoVersion:  runtime.Version(),
			Compiler:   runtime.Compiler,
			Platform:   runtime.GOOS + "/" + runtime.GOARCH,
		},
	}, nil
}

// Info is what /version answers.
func (v effectiveVersion) Info() *apimachineryversion.Info {
	info := v.info
	return &info
}
