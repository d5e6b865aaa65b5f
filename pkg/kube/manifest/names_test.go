// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package manifest

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tilt.dev/session/pkg/model"
)

func TestNames(t *testing.T) {
	for _, test := range []struct{ name, objects, want, display string }{
		{"no conflict", "apps/v1 Deployment web, batch/v1 Job migrate", "web migrate", "web:deployment migrate:job"},
		{"kinds", "apps/v1 Deployment foo, batch/v1 CronJob foo, v1 Pod bar", "foo:deployment foo:cronjob bar",
			"foo:deployment foo:cronjob bar:pod"},
		{"namespaces", "apps/v1 Deployment a/foo, apps/v1 Deployment b/foo, apps/v1 Deployment foo",
			"foo:deployment:a foo:deployment:b foo:deployment:default",
			"foo:deployment:a foo:deployment:b foo:deployment:default"},
		{"a namespace as if it were the default", "apps/v1 Deployment foo, batch/v1 Job default/foo",
			"foo:deployment foo:job", "foo:deployment foo:job"},
		{"groups", "apps/v1 Deployment foo, a.b/v1 Deployment foo, v1 Deployment foo",
			"foo:deployment:default:apps foo:deployment:default:a.b foo:deployment:default:core",
			"foo:deployment:default:apps foo:deployment:default:a.b foo:deployment:default:core"},
		{"a conflict of two among three", "apps/v1 Deployment foo, batch/v1 Job foo, apps/v1 Deployment dev/foo",
			"foo:deployment:default foo:job foo:deployment:dev", "foo:deployment:default foo:job foo:deployment:dev"},
		{"duplicates", "v1 Pod other, v1 Pod p, v1 Pod p", "other p:pod:default:core:1 p:pod:default:core:2",
			"other:pod p:pod:default:core:1 p:pod:default:core:2"},
		{"versions", "batch/v1 Job p, batch/v1beta1 Job p", "p:job:default:batch:0 p:job:default:batch:1",
			"p:job:default:batch:0 p:job:default:batch:1"},
	} {
		t.Run(test.name, func(t *testing.T) {
			objects := objectsOf(t, test.objects)
			if got := strings.Join(ResourceNames(objects), " "); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
			if got := strings.Join(DisplayNames(objects), " "); got != test.display {
				t.Errorf("got %s, want %s", got, test.display)
			}
		})
	}
}

// objectsOf returns objects by "VERSION KIND NAME", separated by commas.
func objectsOf(t *testing.T, list string) (objects []model.Object) {
	t.Helper()
	for entry := range strings.SplitSeq(list, ", ") {
		fields := strings.Fields(entry)
		objects = append(objects, object(t, fields[0], fields[1], fields[2], ""))
	}
	return objects
}

func TestMapNames(t *testing.T) {
	objects := objectsOf(t, "apps/v1 Deployment web, batch/v1 Job dev/migrate")
	got, err := MapNames(objects, func(id ID) (string, error) { return id.Kind + "-" + id.Name, nil })
	if diff := cmp.Diff([]string{"Deployment-web", "Job-migrate"}, got); diff != "" || err != nil {
		t.Error(diff, err)
	}
	_, err = MapNames(objects, func(ID) (string, error) { return "x", nil })
	wantError(t, err, "both 'web:deployment:default:apps' and 'migrate:job:dev:batch' mapped to resource name 'x'")
	_, err = MapNames(objects, func(ID) (string, error) { return "", errors.New("no") })
	wantError(t, err, "no")
}

func TestPick(t *testing.T) {
	objects := objectsOf(t, "apps/v1 Deployment foo, v1 ConfigMap foo, v1 Secret foo, v1 Secret dev/foo, "+
		"rbac.authorization.k8s.io/v1 Role system:reader, v1 ConfigMap only, v1 Service taken")
	assigned := map[int]bool{0: true, 6: true}
	for _, test := range []struct {
		fragment string
		want     int
		err      string
	}{
		{fragment: "only", want: 5},
		{fragment: "ONLY:configMap", want: 5},
		{fragment: "only:configmap:default", want: 5},
		{fragment: "foo:configmap", want: 1},
		{fragment: "foo:secret:dev", want: 3},
		{fragment: `system\:reader`, want: 4},
		{fragment: `system\:reader:role:default`, want: 4},
		{fragment: "foo", err: `"foo" is not a unique fragment. Objects that match foo are "foo:configmap:default", ` +
			`"foo:secret:default", "foo:secret:dev"`},
		{fragment: "fo", err: `No object identified by the fragment "fo" could be found. Possible objects are: ` +
			`"foo:deployment:default", "foo:configmap:default", "foo:secret:default", "foo:secret:dev", ` +
			`"system\:reader:role:default", "only:configmap:default", "taken:service:default"`},
		{fragment: "taken", err: `No object identified by the fragment "taken" could be found in remaining YAML. ` +
			`Valid remaining fragments are: "foo:configmap:default"`},
		{fragment: "only:", err: "could be found"},
		{fragment: "a:b:c:d", err: "more than three parts"},
		{fragment: "system:reader:role:default", err: `write "\:" for a colon in a name`},
		{fragment: `a\b`, err: "a backslash must be followed"},
		{fragment: `a\`, err: "ends with a backslash"},
		{fragment: "", err: "must begin with the name"},
	} {
		got, err := Pick(test.fragment, objects, func(i int) bool { return !assigned[i] })
		wantError(t, err, test.err)
		if err == nil && got != test.want {
			t.Errorf("%s: got %d, want %d", test.fragment, got, test.want)
		}
	}
	_, err := Pick("a", nil, nil)
	wantError(t, err, "Possible objects are: (none)")
}

func TestSelector(t *testing.T) {
	objects := parse(t, `
{apiVersion: v1, kind: Secret, metadata: {name: a}}
---
{apiVersion: v1, kind: Secret, metadata: {name: b, namespace: dev}}
---
{apiVersion: apps/v1, kind: Deployment, metadata: {name: web}}
`)
	for _, test := range []struct {
		selector model.ObjectSelector
		want     string
	}{
		{model.ObjectSelector{}, "a b web"},
		{model.ObjectSelector{Kind: "SECRET"}, "a b"},
		{model.ObjectSelector{Kind: "ploy"}, "web"},
		{model.ObjectSelector{Namespace: "^default$"}, "a web"},
		{model.ObjectSelector{APIVersion: "apps", Name: "e"}, "web"},
		{model.ObjectSelector{APIVersion: "^v1$"}, "a b"},
	} {
		s, err := NewSelector(test.selector)
		if err != nil {
			t.Fatal(err)
		}
		matching := slices.DeleteFunc(slices.Clone(objects), func(o model.Object) bool { return !s.Matches(o) })
		if got := strings.Join(ResourceNames(matching), " "); got != test.want {
			t.Errorf("%+v: got %s, want %s", test, got, test.want)
		}
	}
	_, err := NewSelector(model.ObjectSelector{Kind: "("})
	wantError(t, err, `kind "("`)
}

func TestOrder(t *testing.T) {
	objects := objectsOf(t, "admissionregistration.k8s.io/v1 MutatingWebhookConfiguration hook, batch/v1 Job job, "+
		"example.com/v1 Widget widget, apps/v1 Deployment web, v1 Service web, serving.knative.dev/v1 Service fn, "+
		"v1 Secret s, v1 ConfigMap c, v1 ConfigMap d, v1 ConfigMap c, v1 ConfigMap e, "+
		"rbac.authorization.k8s.io/v1 RoleBinding b, rbac.authorization.k8s.io/v1 Role r, "+
		"apiextensions.k8s.io/v1 CustomResourceDefinition widgets, v1 Namespace dev, v1 ServiceAccount sa")
	describe := func(batches []Batch) string {
		var lines []string
		for _, batch := range batches {
			line := strings.Join(DisplayNames(batch.Objects), " ")
			if batch.Await {
				line += " !"
			}
			lines = append(lines, line)
		}
		return strings.Join(lines, "\n")
	}
	want := `dev:namespace !
widgets:customresourcedefinition !
r:role sa:serviceaccount
s:secret c:configmap d:configmap
c:configmap e:configmap b:rolebinding
web:service
web:deployment
job:job widget:widget fn:service
hook:mutatingwebhookconfiguration`
	if diff := cmp.Diff(want, describe(ApplyOrder(objects))); diff != "" {
		t.Error(diff)
	}
	want = `hook:mutatingwebhookconfiguration !
fn:service widget:widget job:job !
web:deployment !
web:service !
b:rolebinding e:configmap c:configmap !
d:configmap c:configmap s:secret !
sa:serviceaccount r:role !
widgets:customresourcedefinition !
dev:namespace`
	if diff := cmp.Diff(want, describe(DeleteOrder(objects))); diff != "" {
		t.Error(diff)
	}
	if ApplyOrder(nil) != nil {
		t.Error("nothing has batches")
	}
}
