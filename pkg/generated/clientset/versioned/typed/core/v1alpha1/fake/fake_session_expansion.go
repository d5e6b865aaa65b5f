// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package fake

import (
	"bytes"
	"fmt"
	"io"
	"net/http"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/rest"
	fakerest "k8s.io/client-go/rest/fake"
	"k8s.io/client-go/testing"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/generated/clientset/versioned/scheme"
)

// GetLogs returns a request that's answered with the Raw of the runtime.Unknown
// that a reactor to "get" of "sessions/log" returns, or with its error. Without a
// reactor the log is empty.
func (c *fakeSessions) GetLogs(name string, options *v1alpha1.SessionLogOptions) *rest.Request {
	log, err := c.Fake.Invokes(testing.GenericActionImpl{
		ActionImpl: testing.ActionImpl{Verb: "get", Resource: c.Resource(), Subresource: "log"},
		Value:      options,
	}, &runtime.Unknown{})
	client := &fakerest.RESTClient{
		NegotiatedSerializer: scheme.Codecs.WithoutConversion(),
		GroupVersion:         c.Kind().GroupVersion(),
		VersionedAPIPath:     "/apis/" + c.Kind().GroupVersion().String() + "/sessions/" + name + "/log",
		Client: fakerest.CreateHTTPClient(func(*http.Request) (*http.Response, error) {
			if err != nil {
				return nil, err
			}
			answer, ok := log.(*runtime.Unknown)
			if !ok {
				return nil, fmt.Errorf("a reactor has returned a %T for a log instead of a *runtime.Unknown", log)
			}
			return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(bytes.NewReader(answer.Raw))}, nil
		}),
	}
	return client.Request()
}
