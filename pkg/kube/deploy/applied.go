// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package deploy

import (
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Applied is the output of a deploy, which the runtime of the resource follows.
type Applied struct {
	// Objects are as the server returned them, without managed fields, in the order in which they were applied.
	Objects []unstructured.Unstructured
	// TemplateHashes are the values of the label that tells pods of this deploy from older ones. A deploy by a command
	// has none.
	TemplateHashes []string
	// At is when the deploy ended.
	At time.Time
}
