// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

// AnnotationKeepGoing is the annotation of a Session whose exitCondition is "ci"
// that, when it's "true", lets the Session go on after a failure: it's done when
// nothing is left that can still start or become ready by itself, and has failed
// then with the earliest failure's error. It may be changed while the Session
// runs.
const AnnotationKeepGoing = "tilt.dev/keep-going"
