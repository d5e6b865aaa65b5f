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

// kubernetesVersion is the Kubernetes release of the k8s.io modules: v0.36.6 belongs to 1.36.6. The modules contain
// the minor release only, and not every build records their versions. A test compares the constant with go.mod.
const kubernetesVersion = "1.36.6"

// effectiveVersion has the features of the modules and reports kubernetesVersion, which
// clients compare with their own version.
type effectiveVersion struct {
	basecompatibility.EffectiveVersion
	info apimachineryversion.Info
}

// newEffectiveVersion returns a version with that of the program as build metadata, which comparisons ignore.
func newEffectiveVersion(ours string) (effectiveVersion, error) {
	if _, err := utilversion.ParseSemantic(ours); err != nil {
		return effectiveVersion{}, fmt.Errorf("version: %w", err)
	}
	kubernetes := utilversion.MustParseSemantic(kubernetesVersion)
	// A version must not have more than one "+".
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

// Info returns the response of /version.
func (v effectiveVersion) Info() *apimachineryversion.Info {
	info := v.info
	return &info
}
