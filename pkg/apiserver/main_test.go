// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package apiserver_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/klog/v2"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	testserver "tilt.dev/session/pkg/testing/server"
)

// patience is how long a test waits for a condition.
const patience = time.Minute

const (
	sessionsPath = "/apis/tilt.dev/v1alpha1/sessions"
	jsonType     = "application/json"
	mergePatch   = "Content-Type: application/merge-patch+json"
	applyPatch   = "Content-Type: application/apply-patch+yaml"
)

func TestMain(m *testing.M) {
	klog.LogToStderr(false)
	klog.SetOutput(io.Discard)
	// Otherwise klog still prints errors.
	var flags flag.FlagSet
	klog.InitFlags(&flags)
	if err := flags.Set("stderrthreshold", "FATAL"); err != nil {
		panic(err)
	}
	goleak.VerifyTestMain(m,
		goleak.IgnoreTopFunction("k8s.io/klog/v2.(*flushDaemon).run.func1"),
		// Each audit log starts one to rotate files, which never ends.
		goleak.IgnoreAnyFunction("gopkg.in/natefinch/lumberjack%2ev2.(*Logger).millRun"),
		// Each consistent read from the watch cache starts one, which ends after three seconds.
		goleak.IgnoreTopFunction("k8s.io/apiserver/pkg/storage/cacher.(*watchCache).waitUntilFreshAndBlock.func2"),
	)
}

// newSession returns a valid Session.
func newSession(name string) *v1alpha1.Session {
	return &v1alpha1.Session{
		TypeMeta:   metav1.TypeMeta{APIVersion: v1alpha1.SchemeGroupVersion.String(), Kind: "Session"},
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec:       v1alpha1.SessionSpec{TiltfilePath: "/src/Tiltfile", ExitCondition: v1alpha1.ExitConditionCI},
	}
}

// rawClient sends raw requests with a token.
type rawClient struct {
	t      testing.TB
	client *http.Client
	url    string
	token  string
}

func newRawClient(t testing.TB, server *testserver.Server) *rawClient {
	access := server.Access()
	return &rawClient{t: t, client: server.HTTPClient(t), url: access.URL, token: access.Token}
}

// reply is a response with its body.
type reply struct {
	t      testing.TB
	code   int
	header http.Header
	body   []byte
	// closes is true if the server closes the connection.
	closes bool
	// major is the major version of HTTP.
	major int
}

// do sends a request. The body is nil, a string, or a value to encode as JSON. Headers are "Name: value".
func (c *rawClient) do(method, path string, body any, headers ...string) reply {
	c.t.Helper()
	var content io.Reader
	switch body := body.(type) {
	case nil:
	case string:
		content = strings.NewReader(body)
	default:
		encoded, err := json.Marshal(body)
		if err != nil {
			c.t.Fatal(err)
		}
		content = bytes.NewReader(encoded)
	}
	request, err := http.NewRequestWithContext(c.t.Context(), method, c.url+path, content)
	if err != nil {
		c.t.Fatal(err)
	}
	if content != nil {
		request.Header.Set("Content-Type", jsonType)
	}
	if c.token != "" {
		request.Header.Set("Authorization", "Bearer "+c.token)
	}
	for _, header := range headers {
		name, value, _ := strings.Cut(header, ": ")
		request.Header.Set(name, value)
	}
	response, err := c.client.Do(request)
	if err != nil {
		c.t.Fatalf("%s %s: %v", method, path, err)
	}
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		c.t.Fatalf("%s %s: reading the answer: %v", method, path, err)
	}
	return reply{t: c.t, code: response.StatusCode, header: response.Header, body: answer, closes: response.Close, major: response.ProtoMajor}
}

// want fails the test unless the response has the code, and decodes the body.
func (r reply) want(code int, into ...any) reply {
	r.t.Helper()
	if r.code != code {
		r.t.Fatalf("code %d, want %d: %s", r.code, code, r.body)
	}
	for _, target := range into {
		if err := json.Unmarshal(r.body, target); err != nil {
			r.t.Fatalf("%v in %s", err, r.body)
		}
	}
	return r
}
