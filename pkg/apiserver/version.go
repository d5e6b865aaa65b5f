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

// kubernetesVersion is the release of Kubernetes whose libraries the server is
// made of: their modules v0.36.6 belong to Kubernetes 1.36.6. The libraries know
// the minor release alone, and only some builds record the modules. A test
// compares the constant with go.mod.
const kubernetesVersion = "1.36.6"

// effectiveVersion has the features of the library and reports kubernetesVersion,
// with which clients compare their own version.
type effectiveVersion struct {
	basecompatibility.EffectiveVersion
	info apimachineryversion.Info
}

// newEffectiveVersion reports our own version as build metadata, which counts
// in no comparison.
func newEffectiveVersion(ours string) (effectiveVersion, error) {
	if _, err := utilversion.ParseSemantic(ours); err != nil {
		return effectiveVersion{}, fmt.Errorf("version: %w", err)
	}
	kubernetes := utilversion.MustParseSemantic(kubernetesVersion)
	// A version has at most one "+".
	metadata := "tilt-session.v" + strings.ReplaceAll(strings.TrimPrefix(ours, "v"), "+", ".")
	return effectiveVersion{
		EffectiveVersion: compatibility.DefaultBuildEffectiveVersion(),
		info: apimachineryversion.Info{
			Major:      strconv.FormatUint(uint64(kubernetes.Major()), 10),
			Minor:      strconv.FormatUint(uint64(kubernetes.Minor()), 10),
			GitVersion: "v" + kubernetesVersion + "+" + metadata,
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
