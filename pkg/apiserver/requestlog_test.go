// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package apiserver_test

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/klog/v2"

	"tilt.dev/session/pkg/generated/clientset/versioned"
	testserver "tilt.dev/session/pkg/testing/server"
)

// syncBuffer is a buffer for concurrent use.
type syncBuffer struct {
	mutex  sync.Mutex
	buffer bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return b.buffer.Write(p)
}

func (b *syncBuffer) String() string {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return b.buffer.String()
}

// logged returns the log of run at a verbosity. The process has one log, so that tests
// that call logged can't be parallel.
func logged(t *testing.T, verbosity int, run func()) string {
	t.Helper()
	flags := flag.NewFlagSet("klog", flag.ContinueOnError)
	klog.InitFlags(flags)
	set := func(verbosity int) {
		if err := flags.Set("v", fmt.Sprint(verbosity)); err != nil {
			t.Fatal(err)
		}
	}
	output := &syncBuffer{}
	klog.SetOutput(output)
	set(verbosity)
	defer func() {
		set(0)
		klog.Flush()
		klog.SetOutput(io.Discard)
	}()
	run()
	klog.Flush()
	return output.String()
}

// The server logs a line for each request from verbosity 3. It never logs credentials.
func TestRequestLog(t *testing.T) {
	for _, verbosity := range []int{0, 3, 10} {
		var secrets []string
		output := logged(t, verbosity, func() {
			server := testserver.Start(t)
			secrets = []string{server.Access().Token, server.LoopbackClientConfig().BearerToken}
			sendRequests(t, server)
			if err := server.Stop(); err != nil {
				t.Error(err)
			}
		})
		for _, secret := range secrets {
			if secret == "" || strings.Contains(output, secret) {
				t.Errorf("at verbosity %d a token is in the log:\n%s", verbosity, output)
			}
		}
		for _, line := range []string{
			`"HTTP" verb="POST" URI="` + sessionsPath + `" latency="[^"]+" userAgent="a-client".* resp=201`,
			`"HTTP" verb="GET" URI="` + sessionsPath + `/none" latency="[^"]+" userAgent="a-client".* resp=404`,
			`"HTTP" verb="LIST" URI="` + sessionsPath + `" latency="[^"]+" userAgent="a-client".* resp=401`,
			`"HTTP" verb="LIST" URI="` + sessionsPath + `" latency="[^"]+" userAgent="tilt-session/v0.0.0 \(.*\)".* resp=200`,
		} {
			count := len(regexp.MustCompile(line).FindAllString(output, -1))
			if want := map[bool]int{true: 1}[verbosity >= 3]; count != want {
				t.Errorf("at verbosity %d, %d lines like %s in:\n%s", verbosity, count, line, output)
			}
		}
	}
}

func sendRequests(t *testing.T, server *testserver.Server) {
	t.Helper()
	client := newRawClient(t, server)
	client.do(http.MethodPost, sessionsPath, newSession("a"), "User-Agent: a-client").want(http.StatusCreated)
	client.do(http.MethodGet, sessionsPath+"/none", nil, "User-Agent: a-client").want(http.StatusNotFound)
	client.token = ""
	client.do(http.MethodGet, sessionsPath, nil, "User-Agent: a-client").want(http.StatusUnauthorized)

	loopback, err := versioned.NewForConfig(server.LoopbackClientConfig())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := loopback.TiltV1alpha1().Sessions().List(t.Context(), metav1.ListOptions{}); err != nil {
		t.Error(err)
	}
}
