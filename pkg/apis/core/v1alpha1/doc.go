// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

// +k8s:deepcopy-gen=package
// +k8s:openapi-gen=true
// +k8s:openapi-model-package=dev.tilt.session.pkg.apis.core.v1alpha1
// +k8s:defaulter-gen=TypeMeta
// +groupName=tilt.dev
// +groupGoName=Tilt

// Package v1alpha1 is the tilt.dev/v1alpha1 API: the Session types, how they
// are registered in a scheme, their defaults and their validation.
//
// Its JSON is a wire contract with everything that reads or writes Tilt's
// Sessions. It imports apimachinery only, so that a client's build stays small.
package v1alpha1
