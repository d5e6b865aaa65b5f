// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package aggregator

import (
	apimachineryversion "k8s.io/apimachinery/pkg/version"
	"k8s.io/apiserver/pkg/util/compatibility"
	basecompatibility "k8s.io/component-base/compatibility"
)

// released has the features of the library, and the version of its release, which
// the library doesn't know itself.
type released struct {
	basecompatibility.EffectiveVersion
}

func newVersion() released { return released{compatibility.DefaultBuildEffectiveVersion()} }

// Info is what /version answers.
func (v released) Info() *apimachineryversion.Info {
	info := *v.EffectiveVersion.Info()
	info.GitVersion = "v" + v.BinaryVersion().String() + ".0"
	return &info
}
