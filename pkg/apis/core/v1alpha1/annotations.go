// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

// Annotations of a Session that say more of how it's to be run. They may be
// changed while the Session runs.
const (
	// AnnotationKeepGoing, when it's "true", lets a Session whose exitCondition
	// is "ci" go on after a failure: it's done when nothing is left that can still
	// start or become ready by itself, and has failed then with the earliest
	// failure's error.
	AnnotationKeepGoing = "tilt.dev/keep-going"

	// AnnotationArgs has the arguments of the Tiltfile, as they would follow
	// "tilt up": a list of strings in JSON if it begins with "[", and otherwise
	// words that white space separates, of which quotes are a part. A server of many Sessions follows it, and
	// keeps here what is posted to the args subresource. A Session with a
	// value that can't be read isn't run.
	AnnotationArgs = "tilt.dev/args"

	// AnnotationTTLAfterFinished is how long a Session stays after it's done, as a
	// Go duration such as "1h30m", before a server of many Sessions deletes it.
	// The time is counted in whole seconds. Without it a Session stays.
	AnnotationTTLAfterFinished = "tilt.dev/ttl-after-finished"
)

// Finalizer holds a deleted Session until nothing of its run is left. Whoever
// runs the Session sets and removes it.
const Finalizer = "tilt.dev/session"
