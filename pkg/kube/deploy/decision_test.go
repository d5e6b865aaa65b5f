// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package deploy

import (
	"errors"
	"io"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	v1 "k8s.io/api/admissionregistration/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"tilt.dev/session/pkg/process"
)

func object(t *testing.T, text string) *unstructured.Unstructured {
	t.Helper()
	o := &unstructured.Unstructured{}
	if err := o.UnmarshalJSON([]byte(text)); err != nil {
		t.Fatal(err)
	}
	return o
}

// refusal is an error with structured causes.
func refusal(reason metav1.StatusReason, causes ...metav1.StatusCause) error {
	return &apierrors.StatusError{ErrStatus: metav1.Status{
		Reason: reason, Code: 409, Message: "refused", Details: &metav1.StatusDetails{Causes: causes},
	}}
}

func TestImmutableErrors(t *testing.T) {
	invalid := func(errs ...*field.Error) error {
		return apierrors.NewInvalid(schema.GroupKind{Kind: "Job"}, "j", errs)
	}
	path := field.NewPath("spec", "template")
	access := apierrors.NewForbidden(schema.GroupResource{Resource: "jobs"}, "j", errors.New("Forbidden: no"))
	for name, c := range map[string]struct {
		err  error
		want bool
	}{
		"forbidden field": {invalid(field.Forbidden(path, "updates are forbidden")), true},
		"invalid field":   {invalid(field.Invalid(path, 1, "field is immutable")), true},
		"required field":  {invalid(field.Required(path, "")), false},
		"access":          {access, false},
		"text alone":      {errors.New("spec: field is immutable"), false},
	} {
		if got := immutable(c.err); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
	long := invalid(field.Invalid(path, strings.Repeat("x", 5000), "field is immutable"))
	if got := fields(long); got != "spec.template: field is immutable" {
		t.Errorf("fields: %q", got)
	}
}

func TestConflicts(t *testing.T) {
	err := refusal(metav1.StatusReasonConflict, metav1.StatusCause{
		Type: metav1.CauseTypeFieldManagerConflict, Field: ".spec.replicas",
		Message: `conflict with "kubectl-scale" with subresource "scale" using apps/v1`,
	})
	if got := conflicts(err); len(got) != 1 ||
		got[0] != `took .spec.replicas from "kubectl-scale" with subresource "scale" using apps/v1` {
		t.Errorf("%q", got)
	}
	if conflicts(refusal(metav1.StatusReasonConflict)) != nil || conflicts(nil) != nil {
		t.Error("another conflict counts")
	}
}

func TestAgain(t *testing.T) {
	configMaps := schema.GroupResource{Resource: "configmaps"}
	ending := apierrors.NewForbidden(configMaps, "a", errors.New("ending"))
	ending.ErrStatus.Details.Causes = []metav1.StatusCause{{Type: "NamespaceTerminating"}}
	for name, c := range map[string]struct {
		err          error
		early, later bool
	}{
		"connection":        {&url.Error{Op: "Get", URL: "https://x", Err: io.EOF}, true, true},
		"webhook":           {apierrors.NewInternalError(errors.New("failed calling webhook")), true, true},
		"namespace ending":  {ending, true, true},
		"unknown kind":      {&meta.NoKindMatchError{GroupKind: schema.GroupKind{Kind: "X"}}, true, false},
		"unknown path":      {apierrors.NewNotFound(configMaps, "a"), true, false},
		"missing namespace": {apierrors.NewNotFound(schema.GroupResource{Resource: "namespaces"}, "n"), false, false},
		"access":            {apierrors.NewForbidden(configMaps, "a", errors.New("no")), false, false},
		"undeclared field":  {apierrors.NewInternalError(errors.New(".x: field not declared in schema")), false, false},
	} {
		if early, later := again(c.err, 0), again(c.err, time.Minute); early != c.early || later != c.later {
			t.Errorf("%s: %v, then %v", name, early, later)
		}
	}
}

func TestRerun(t *testing.T) {
	for name, c := range map[string]struct {
		object string
		want   bool
	}{
		"job that runs": {`{"apiVersion":"batch/v1","kind":"Job"}`, false},
		"job that ended": {`{"apiVersion":"batch/v1","kind":"Job",
			"status":{"conditions":[{"type":"Complete","status":"True"}]}}`, true},
		"job that failed": {`{"apiVersion":"batch/v1","kind":"Job",
			"status":{"conditions":[{"type":"Failed","status":"True"}]}}`, true},
		"suspended job": {`{"apiVersion":"batch/v1","kind":"Job",
			"status":{"conditions":[{"type":"Suspended","status":"True"}]}}`, false},
		"bare pod": {`{"apiVersion":"v1","kind":"Pod"}`, true},
		"owned pod": {`{"apiVersion":"v1","kind":"Pod",
			"metadata":{"ownerReferences":[{"kind":"ReplicaSet","name":"x","uid":"1","controller":true}]}}`, false},
		"deployment": {`{"apiVersion":"apps/v1","kind":"Deployment"}`, false},
		"secret":     {`{"apiVersion":"v1","kind":"Secret"}`, false},
	} {
		live := object(t, c.object)
		if got := rerun(live, true) != ""; got != c.want {
			t.Errorf("%s: %v", name, got)
		}
		if rerun(live, false) != "" {
			t.Errorf("%s without a request", name)
		}
	}
}

func TestEstablished(t *testing.T) {
	done, reason := established(object(t, `{"kind":"X","apiVersion":"v1","status":{"conditions":[
		{"type":"NamesAccepted","status":"False","message":"taken"},{"type":"Established","status":"False"}]}}`))
	if done || reason != "its names aren't accepted: taken" {
		t.Error(done, reason)
	}
	if done, _ = established(object(t, `{"kind":"X","apiVersion":"v1","status":{"conditions":[
		{"type":"Established","status":"True"}]}}`)); !done {
		t.Error("not established")
	}
}

func TestThreeWay(t *testing.T) {
	const annotation = `"kubectl.kubernetes.io/last-applied-configuration"`
	for name, c := range map[string]struct{ live, modified, want string }{
		"removed and kept": {
			`{"apiVersion":"example.com/v1","kind":"Thing","metadata":{"name":"a","annotations":{` + annotation +
				`:"{\"spec\":{\"x\":1,\"y\":2}}"}},"spec":{"x":1,"y":2,"foreign":3}}`,
			`{"apiVersion":"example.com/v1","kind":"Thing","metadata":{"name":"a"},"spec":{"x":5}}`,
			`"spec":{"x":5,"y":null}`,
		},
		"list by key": {
			`{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a"},"spec":{"containers":[{"name":"a","image":"x"},` +
				`{"name":"sidecar","image":"y"}]}}`,
			`{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a"},"spec":{"containers":[{"name":"a","image":"z"}]}}`,
			`"containers":[{"image":"z","name":"a"}]`,
		},
	} {
		patch, _, err := threeWay(object(t, c.live), object(t, c.modified))
		if err != nil || !strings.Contains(string(patch), c.want) {
			t.Errorf("%s: %s, %v", name, patch, err)
		}
	}
}

func TestAskedWebhooks(t *testing.T) {
	hook := func(name, group, resource string) v1.ValidatingWebhook {
		return v1.ValidatingWebhook{Name: name, Rules: []v1.RuleWithOperations{{
			Rule: v1.Rule{APIGroups: []string{group}, Resources: []string{resource}}}}}
	}
	got := asked([]v1.ValidatingWebhook{
		hook("all", "*", "*"), hook("ingress", "networking.k8s.io", "ingresses"), hook("policy", "networking.k8s.io",
			"networkpolicies"), hook("other", "apps", "ingresses"),
	}, schema.GroupVersionKind{Group: "networking.k8s.io", Version: "v1", Kind: "Ingress"})
	if strings.Join(got, " ") != "all ingress" {
		t.Errorf("%v", got)
	}
}

func TestLosing(t *testing.T) {
	set := `{"apiVersion":"apps/v1","kind":"StatefulSet","metadata":{"name":"db"},"spec":{` +
		`"persistentVolumeClaimRetentionPolicy":{"whenDeleted":"POLICY"}}}`
	for text, want := range map[string]bool{
		`{"apiVersion":"v1","kind":"Secret","metadata":{"name":"s"}}`:            true,
		`{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"web"}}`: false,
		`{"apiVersion":"apps/v1","kind":"StatefulSet","metadata":{"name":"db"}}`: false,
		strings.Replace(set, "POLICY", "Retain", 1):                              false,
		strings.Replace(set, "POLICY", "Delete", 1):                              true,
	} {
		if got := losing(object(t, text)); got != want {
			t.Errorf("%s: %v", text, got)
		}
	}
}

// The text of an error is published, so that it must not have what kubectl prints of a Secret.
func TestQuote(t *testing.T) {
	for text, want := range map[string]string{
		"":        "",
		" oops\n": "\nstdout:\noops",
		"apiVersion: v1\nkind: Secret\ndata: {password: c2VjcmV0}": "\nstdout has a Secret and isn't shown",
		`{"data": {"password": "c2VjcmV0"}, "kind": "Secret"}`:     "\nstdout has a Secret and isn't shown",
		"kind: SecretStore": "\nstdout:\nkind: SecretStore",
	} {
		if got := quote(text); got != want {
			t.Errorf("%q: %q", text, got)
		}
	}
}

// A command that is stopped gets all of its grace, not only that of one that is cancelled.
func TestStopOfCommand(t *testing.T) {
	runner, err := process.New(process.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer runner.Close()
	p, err := runner.Start(process.Spec{Argv: []string{"sleep", "600"}, Env: os.Environ()})
	if err != nil {
		t.Fatal(err)
	}
	a := &activity{cancel: func() { t.Error("cancelled") }}
	a.follow(p)
	a.Stop(time.Minute)
	<-p.Done()
}
