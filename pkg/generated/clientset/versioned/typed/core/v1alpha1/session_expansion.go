// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	"k8s.io/client-go/rest"

	corev1alpha1 "tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/generated/clientset/versioned/scheme"
)

// SessionExpansion are the methods of SessionInterface that aren't generated.
type SessionExpansion interface {
	// GetLogs returns a request for the log of a Session that's being run. Its
	// Stream reads lines as they come, if options say to follow.
	GetLogs(name string, options *corev1alpha1.SessionLogOptions) *rest.Request
}

// GetLogs implements SessionExpansion.
func (c *sessions) GetLogs(name string, options *corev1alpha1.SessionLogOptions) *rest.Request {
	return c.GetClient().Get().Resource("sessions").Name(name).SubResource("log").VersionedParams(options, scheme.ParameterCodec)
}
