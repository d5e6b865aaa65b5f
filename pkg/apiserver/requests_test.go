// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package apiserver_test

import (
	"context"
	"fmt"
	"iter"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/apiserver"
	"tilt.dev/session/pkg/registry/session"
	testserver "tilt.dev/session/pkg/testing/server"
)

// fakeRun records requests. The resource "gone" doesn't exist.
type fakeRun struct {
	mu       sync.Mutex
	received []string
	// log has the content of the log, until it is closed.
	log chan string
}

var _ session.Run = (*fakeRun)(nil)

func (r *fakeRun) ask(what string, names []string, dryRun bool) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.received = append(r.received, fmt.Sprintf("%s %q dry=%v", what, names, dryRun))
	if slices.Contains(names, "gone") {
		return &apierrors.StatusError{ErrStatus: metav1.Status{Status: metav1.StatusFailure, Code: http.StatusNotFound, Reason: metav1.StatusReasonNotFound, Message: "gone is gone"}}
	}
	return nil
}

// requests returns the requests since the last call.
func (r *fakeRun) requests() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	received := r.received
	r.received = nil
	return received
}

func (r *fakeRun) Trigger(_ context.Context, spec *v1alpha1.SessionTriggerSpec, dryRun bool) (v1alpha1.SessionTriggerStatus, error) {
	err := r.ask("trigger", spec.Resources, dryRun)
	return v1alpha1.SessionTriggerStatus{Resources: spec.Resources}, err
}

func (r *fakeRun) Enable(_ context.Context, spec *v1alpha1.SessionEnableSpec, dryRun bool) (v1alpha1.SessionEnableStatus, error) {
	err := r.ask(fmt.Sprintf("enable all=%v only=%v %q", spec.All, spec.Only, spec.Labels), spec.Resources, dryRun)
	return v1alpha1.SessionEnableStatus{Resources: []string{"enabled"}}, err
}

func (r *fakeRun) Disable(_ context.Context, spec *v1alpha1.SessionDisableSpec, dryRun bool) (v1alpha1.SessionDisableStatus, error) {
	err := r.ask(fmt.Sprintf("disable all=%v %q", spec.All, spec.Labels), spec.Resources, dryRun)
	return v1alpha1.SessionDisableStatus{Resources: []string{"disabled"}}, err
}

func (r *fakeRun) ReadLog(ctx context.Context, options *v1alpha1.SessionLogOptions, until <-chan struct{}) (iter.Seq[[]byte], error) {
	if err := r.ask("log", options.Resources, false); err != nil {
		return nil, err
	}
	return func(yield func([]byte) bool) {
		for {
			select {
			case text, more := <-r.log:
				if !more || !yield([]byte(text)) {
					return
				}
			case <-until:
				yield([]byte("the end\n"))
				return
			case <-ctx.Done():
				return
			}
		}
	}, nil
}

type fakeRuns map[string]session.Run

func (rs fakeRuns) Run(name string) (session.Run, bool) {
	run, found := rs[name]
	return run, found
}

// startWithRun starts a server with a Session "Tiltfile" that has a run, and a Session "other" without one.
func startWithRun(t *testing.T, change ...func(*apiserver.Options)) (*testserver.Server, *rawClient, *fakeRun) {
	t.Helper()
	run := &fakeRun{log: make(chan string)}
	server := testserver.Start(t, testserver.Configure{Options: func(o *apiserver.Options) {
		o.Runs = fakeRuns{"Tiltfile": run, "missing": run}
		for _, change := range change {
			change(o)
		}
	}})
	client := newRawClient(t, server)
	for _, name := range []string{"Tiltfile", "other"} {
		client.do(http.MethodPost, sessionsPath, newSession(name)).want(http.StatusCreated)
	}
	return server, client, run
}

func TestRequests(t *testing.T) {
	t.Parallel()
	_, client, run := startWithRun(t)
	for _, test := range []struct{ subresource, body, answer, received string }{
		{"trigger", `"kind":"SessionTrigger","spec":{"resources":["a","b"]}`,
			`"kind":"SessionTrigger","spec":{"resources":["a","b"]},"status":{"resources":["a","b"]}`, `trigger ["a" "b"]`},
		{"enable", `"kind":"SessionEnable","metadata":{"name":"Tiltfile"},"spec":{"resources":["a"],"labels":["l"],"only":true}`,
			`"kind":"SessionEnable","spec":{"resources":["a"],"labels":["l"],"only":true},"status":{"resources":["enabled"]}`, `enable all=false only=true ["l"] ["a"]`},
		{"disable", `"kind":"SessionDisable","spec":{"all":true},"status":{"resources":["mine"]}`,
			`"kind":"SessionDisable","spec":{"all":true},"status":{"resources":["disabled"]}`, `disable all=true [] []`},
	} {
		for query, dryRun := range map[string]string{"": "false", "?dryRun=All": "true"} {
			var got, want map[string]any
			client.do(http.MethodPost, sessionsPath+"/Tiltfile/"+test.subresource+query, `{"apiVersion":"tilt.dev/v1alpha1",`+test.body+`}`).
				want(http.StatusCreated, &got)
			reply{t: t, code: 1, body: []byte(`{"apiVersion":"tilt.dev/v1alpha1","metadata":{"name":"Tiltfile"},` + test.answer + `}`)}.want(1, &want)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s%s (-want +got):\n%s", test.subresource, query, diff)
			}
			if got := run.requests(); !slices.Equal(got, []string{test.received + " dry=" + dryRun}) {
				t.Errorf("%s%s: the run has received %q", test.subresource, query, got)
			}
		}
	}
}

func TestRefusedRequests(t *testing.T) {
	t.Parallel()
	_, client, run := startWithRun(t)
	const trigger = `{"apiVersion":"tilt.dev/v1alpha1","kind":"SessionTrigger",`
	for _, test := range []struct {
		name, path, body string
		code             int
		message          string
	}{
		{"of a Session that isn't stored", "missing/trigger", trigger + `"spec":{"resources":["a"]}}`, http.StatusNotFound, `sessions.tilt.dev "missing" not found`},
		{"of a Session that isn't run", "other/trigger", trigger + `"spec":{"resources":["a"]}}`, http.StatusConflict, `isn't run by this server`},
		{"for what the run refuses", "Tiltfile/trigger", trigger + `"spec":{"resources":["gone"]}}`, http.StatusNotFound, `gone is gone`},
		{"under another name", "Tiltfile/trigger", trigger + `"metadata":{"name":"other"},"spec":{"resources":["a"]}}`, http.StatusBadRequest, `(other) is not that of the Session (Tiltfile)`},
		{"of another kind", "Tiltfile/enable", trigger + `"spec":{"resources":["a"]}}`, http.StatusBadRequest, `SessionTrigger`},
		{"with several mistakes", "Tiltfile/trigger", trigger + `"spec":{"resources":["",""]}}`, http.StatusUnprocessableEntity, `[spec.resources[0]: Required value: must not be empty, spec.resources[1]: `},
		{"without a body", "Tiltfile/trigger", ``, http.StatusBadRequest, `must be of type SessionTrigger`},
		{"with an unknown field", "Tiltfile/trigger?fieldValidation=Strict", trigger + `"spec":{"resources":["a"],"names":[]}}`, http.StatusBadRequest, `unknown field "spec.names"`},
		{"with an unknown dry run", "Tiltfile/trigger?dryRun=Some", trigger + `"spec":{"resources":["a"]}}`, http.StatusUnprocessableEntity, `dryRun`},
	} {
		var status metav1.Status
		client.do(http.MethodPost, sessionsPath+"/"+test.path, test.body).want(test.code, &status)
		if !strings.Contains(status.Message, test.message) {
			t.Errorf("a request %s is answered: %s", test.name, status.Message)
		}
	}
	if got := run.requests(); !slices.Equal(got, []string{`trigger ["gone"] dry=false`}) {
		t.Errorf("the run has received %q", got)
	}
}

// A Session that is done accepts no writes to its run, but reads.
func TestRequestsOfDoneSession(t *testing.T) {
	t.Parallel()
	server, client, run := startWithRun(t)
	done := newSession("Tiltfile")
	done.Status.Done = true
	if _, err := server.Clientset(t).TiltV1alpha1().Sessions().UpdateStatus(t.Context(), done, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	var status metav1.Status
	client.do(http.MethodPost, sessionsPath+"/Tiltfile/args", `{"spec":{"args":[]}}`).want(http.StatusConflict, &status)
	if !strings.HasSuffix(status.Message, "it's done") {
		t.Errorf("message = %s", status.Message)
	}
	client.do(http.MethodGet, sessionsPath+"/Tiltfile/args", nil).want(http.StatusOK)
	close(run.log)
	client.do(http.MethodGet, sessionsPath+"/Tiltfile/log", nil).want(http.StatusOK)
}

// The API of a server that runs no Sessions is the same. It answers requests to runs with a conflict.
func TestRequestsToServerThatRunsNothing(t *testing.T) {
	t.Parallel()
	client := newRawClient(t, testserver.Start(t))
	client.do(http.MethodPost, sessionsPath, newSession("Tiltfile")).want(http.StatusCreated)
	client.do(http.MethodPost, sessionsPath+"/Tiltfile/trigger", `{"spec":{"resources":["a"]}}`).want(http.StatusConflict)
	client.do(http.MethodGet, sessionsPath+"/Tiltfile/args", nil).want(http.StatusOK)
	client.do(http.MethodGet, sessionsPath+"/Tiltfile/log", nil).want(http.StatusConflict)
}

func TestRequestsOfClientset(t *testing.T) {
	t.Parallel()
	server, _, run := startWithRun(t)
	sessions := server.Clientset(t).TiltV1alpha1().Sessions()
	triggered, err := sessions.Trigger(t.Context(), "Tiltfile",
		&v1alpha1.SessionTrigger{Spec: v1alpha1.SessionTriggerSpec{Resources: []string{"a"}}}, metav1.CreateOptions{})
	if err != nil || !slices.Equal(triggered.Status.Resources, []string{"a"}) {
		t.Errorf("%+v, %v", triggered, err)
	}
	_, err = sessions.Enable(t.Context(), "Tiltfile",
		&v1alpha1.SessionEnable{Spec: v1alpha1.SessionEnableSpec{Resources: []string{"gone"}}}, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
	if !apierrors.IsNotFound(err) || err.Error() != "gone is gone" {
		t.Errorf("error = %v", err)
	}
	args, err := sessions.GetArgs(t.Context(), "Tiltfile", metav1.GetOptions{})
	if err != nil || len(args.Spec.Args) != 0 {
		t.Errorf("%+v, %v", args, err)
	}
	args.Spec.Args = []string{"web"}
	if args, err = sessions.SetArgs(t.Context(), "Tiltfile", args, metav1.CreateOptions{}); err != nil || !args.Status.Changed {
		t.Errorf("%+v, %v", args, err)
	}
	if got := run.requests(); len(got) != 2 {
		t.Errorf("the run has received %q", got)
	}
}
