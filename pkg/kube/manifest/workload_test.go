// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package manifest

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/client-go/util/jsonpath"

	"tilt.dev/session/pkg/model"
)

// pod is a pod spec for tests.
const pod = `{containers: [{name: c, image: web}]}`

func TestImages(t *testing.T) {
	imagePath := func(kind, path string) model.ImageLocator {
		return model.ImageLocator{Selector: model.ObjectSelector{Kind: kind}, Path: path}
	}
	widget := "spec: {image: web:1, empty: '', none: null, count: 1, more: [{image: a}, {image: b}, {other: x}], " +
		"named: {x: {image: c}}, text: [d, e], repo: {name: r.io/x, tag: v1}, untagged: {name: u}, void: {}}"
	for _, test := range []struct {
		name, kind, body, want, err string
		locators                    []model.ImageLocator
		inEnv                       []string
		workload                    bool
	}{
		{name: "Deployment", kind: "apps/v1 Deployment", body: "spec: {template: {spec: " + pod + "}}", want: "web", workload: true},
		{name: "Pod", kind: "v1 Pod", body: "spec: " + pod, want: "web", workload: true},
		{name: "PodTemplate", kind: "v1 PodTemplate", body: "template: {spec: " + pod + "}", want: "web", workload: true},
		{name: "CronJob", kind: "batch/v1 CronJob", body: "spec: {jobTemplate: {spec: {template: {spec: " + pod + "}}}}",
			want: "web", workload: true},
		{
			name: "every place", kind: "v1 Pod", workload: true, want: "i c e v@sha256:" + strings.Repeat("a", 64),
			body: "spec: {volumes: [{name: v, image: {reference: 'v@sha256:" + strings.Repeat("a", 64) + "'}}, {name: w}], " +
				"initContainers: [{image: i}], containers: [{image: c}, {image: c}, {}], ephemeralContainers: [{image: e}]}",
		},
		{name: "an image that isn't a reference", kind: "v1 Pod", body: "spec: {containers: [{image: '${IMAGE}'}]}",
			want: "${IMAGE}", workload: true},
		{name: "a job without image", kind: "batch/v1 Job", workload: true},
		{name: "a job of others", kind: "batch.example.com/v1 Job"},
		{name: "a kind with more to its name", kind: "batch/v1 JobTemplate"},
		{name: "no image", kind: "apps/v1 Deployment", body: "spec: {template: {spec: {containers: [{name: c}]}}}"},
		{name: "wrong types", kind: "apps/v1 Deployment", body: "spec: {template: [], containers: 1, image: x}"},
		{name: "a ConfigMap", kind: "v1 ConfigMap", body: "data: {image: web}"},
		{name: "env without match", kind: "v1 Pod", body: "spec: {containers: [{env: [{name: E, value: web}]}]}"},
		{name: "env", kind: "v1 Pod", inEnv: []string{"web"}, want: "web:2", workload: true,
			body: "spec: {containers: [{env: [{name: E, value: web:2}, {name: F, value: other}, {name: G}]}]}"},
		{name: "containers of a custom resource", kind: "a.b/v1 Rollout", want: "web",
			body: "spec: {template: {spec: " + pod + "}}"},
		{name: "a custom resource", kind: "a.b/v1 Widget", body: widget},
		{name: "a path", kind: "a.b/v1 Widget", body: widget, want: "web:1", workload: true,
			locators: []model.ImageLocator{imagePath("^widget$", "{.spec.image}")}},
		{name: "another kind", kind: "a.b/v1 Widget", body: widget,
			locators: []model.ImageLocator{imagePath("^gadget$", "{.spec.image}")}},
		{name: "paths", kind: "a.b/v1 Widget", body: widget, want: "a b c d e", workload: true,
			locators: []model.ImageLocator{
				imagePath("Wid", ".spec.more[*].image"), imagePath("", "spec.named.*.image"),
				imagePath("", "{$.spec['text'][:]}"),
				imagePath("", "{.spec.more[?(@.image=='b')].image}"),
			}},
		{name: "an empty list among others", kind: "a.b/v1 Widget", want: "a b", workload: true,
			body:     "spec: [{of: [{image: a}]}, {of: []}, {}, {of: [{image: b}]}]",
			locators: []model.ImageLocator{imagePath("", ".spec[*].of[*].image")}},
		{name: "what is missing", kind: "a.b/v1 Widget", body: widget,
			locators: []model.ImageLocator{
				imagePath("", ".a.b"), imagePath("", ".spec.empty"), imagePath("", ".spec.none"), imagePath("", ".x[*].y"),
			}},
		{name: "not a string", kind: "a.b/v1 Widget", body: widget, err: `Widget x: JSONPath ".spec.count" leads to 1`,
			locators: []model.ImageLocator{imagePath("", ".spec.count")}},
		{name: "no list", kind: "a.b/v1 Widget", body: widget, err: `Widget x: JSONPath ".spec[0]"`,
			locators: []model.ImageLocator{imagePath("", ".spec[0]")}},
		{name: "objects", kind: "a.b/v1 Widget", body: widget, want: "r.io/x:v1 u", workload: true,
			locators: []model.ImageLocator{
				{Object: &model.ImageObject{Path: "{.spec.repo}", RepoField: "name", TagField: "tag"}},
				{Object: &model.ImageObject{Path: "{.spec.untagged}", RepoField: "name", TagField: "tag"}},
				{Object: &model.ImageObject{Path: "{.spec.void}", RepoField: "name", TagField: "tag"}},
				{Object: &model.ImageObject{Path: "{.spec.absent}", RepoField: "name", TagField: "tag"}},
			}},
		{name: "no object", kind: "a.b/v1 Widget", body: widget, err: `leads to the string "web:1"`,
			locators: []model.ImageLocator{{Object: &model.ImageObject{Path: ".spec.image", RepoField: "r", TagField: "t"}}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			apiVersion, kind, _ := strings.Cut(test.kind, " ")
			o := object(t, apiVersion, kind, "x", test.body)
			locators, err := newLocators(test.locators)
			if err != nil {
				t.Fatal(err)
			}
			var inEnv []ImageMatcher
			for _, name := range test.inEnv {
				m, err := NewImageMatcher(name, false)
				inEnv = append(inEnv, m)
				wantError(t, err, "")
			}
			references, err := Images(o, locators, inEnv)
			wantError(t, err, test.err)
			if got := strings.Join(references, " "); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
			if got, err := IsWorkload(o, DefaultKinds(), locators, inEnv); got != test.workload {
				t.Errorf("workload: %t, %v", got, err)
			}
		})
	}
}

func TestLocatorsThatAreWrong(t *testing.T) {
	for path, text := range map[string]string{
		"":                         "it has no fields",
		"{}":                       "it has no fields",
		"{.a":                      "unrecognized character",
		".":                        "a field has no name",
		"{.a}{.b}":                 "more than one path",
		"{.a} text":                "JSONPath",
		"{range .a[*]}{.b}{end}":   "JSONPath",
		"{.a.*}":                   "must end with a field",
		"{..}":                     "must end with a field",
		"{.a[0,1]}":                "must end with a field",
		"{.a['b.c']}":              `a dot within a field is written "\."`,
		"{.a 'text'}":              "isn't a step of a path",
		strings.Repeat(".a", 1000): "more than 500 bytes",
	} {
		_, err := NewLocator(model.ImageLocator{Path: path})
		if err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("%.20s: got %v, want %s", path, err, text)
		}
	}
	_, err := NewLocator(model.ImageLocator{Selector: model.ObjectSelector{Name: "["}, Path: ".a"})
	wantError(t, err, `name "["`)
}

// TestUpstreamEmptyList fails when steps can be evaluated for several values at once.
func TestUpstreamEmptyList(t *testing.T) {
	upstream := jsonpath.New("")
	wantError(t, upstream.Parse("{[*][*]}"), "")
	results, err := upstream.FindResults([]any{[]any{}, []any{"lost"}})
	if err != nil || len(results) != 1 || len(results[0]) != 0 {
		t.Errorf("got %v, %v: path needs no steps of its own any more", results, err)
	}
}

func TestImageMatcher(t *testing.T) {
	digest := "@sha256:" + strings.Repeat("0", 64)
	for _, test := range []struct {
		name      string
		exact     bool
		matching  string
		different string
	}{
		{"redis", false, "redis redis:7 docker.io/library/redis:7 redis" + digest + " redis:7" + digest,
			"me/redis redis2 ghcr.io/library/redis Redis redis:"},
		{"ghcr.io/me/web", false, "ghcr.io/me/web:dev", "me/web web ghcr.io/me/web/x"},
		{"localhost:5000/web", false, "localhost:5000/web:a", "localhost/web web"},
		{"web:dev", true, "web:dev docker.io/library/web:dev web:dev" + digest, "web web:prod web" + digest},
		{"web", true, "web web:latest", "web:dev web" + digest},
	} {
		m, err := NewImageMatcher(test.name, test.exact)
		if err != nil {
			t.Fatal(err)
		}
		for reference := range strings.FieldsSeq(test.matching) {
			if !m.Matches(reference) {
				t.Errorf("%+v doesn't match %s", test, reference)
			}
		}
		for reference := range strings.FieldsSeq(test.different + " $X") {
			if m.Matches(reference) {
				t.Errorf("%+v matches %s", test, reference)
			}
		}
	}
	_, err := NewImageMatcher("No Image", false)
	wantError(t, err, `can't parse "No Image": invalid reference format`)
}

func TestServicesOf(t *testing.T) {
	labelled := func(name, labels string) model.Object {
		return object(t, "apps/v1", "Deployment", name, "spec: {template: {metadata: {labels: "+labels+"}}}")
	}
	workloads := []model.Object{
		labelled("a", "{app: a, tier: x}"), labelled("b", "{app: a, tier: z}"), labelled("dev/c", "{app: c}"),
		object(t, "v1", "Pod", "p", "metadata: {name: p, labels: {app: p}}"),
		object(t, "batch/v1", "CronJob", "j", "spec: {jobTemplate: {spec: {template: {metadata: {labels: {app: j}}}}}}"),
	}
	for _, test := range []struct {
		name, apiVersion, selector string
		want                       int
	}{
		{"first", "v1", "{app: a}", 0},
		{"all-labels", "v1", "{app: a, tier: z}", 1},
		{"dev/namespace", "v1", "{app: c}", 2},
		{"no-namespace", "v1", "{app: c}", 2},
		{"default/default", "v1", "{app: c}", 2},
		{"other/namespace", "v1", "{app: c}", -1},
		{"dev/a", "v1", "{app: a}", -1},
		{"job", "v1", "{app: j}", 4},
		{"no-template", "v1", "{app: p}", -1},
		{"no-labels", "v1", "{app: z}", -1},
		{"empty", "v1", "{}", -1},
		{"wrong", "v1", "[1]", -1},
		{"partly-wrong", "v1", "{app: a, tier: 1}", -1},
		{"knative", "serving.knative.dev/v1", "{app: a}", -1},
	} {
		service := object(t, test.apiVersion, "Service", test.name, "spec: {selector: "+test.selector+"}")
		if got := ServicesOf(workloads, []model.Object{service}); !slices.Equal(got, []int{test.want}) {
			t.Errorf("%s: got %v, want %d", test.name, got, test.want)
		}
	}
}

func TestReadiness(t *testing.T) {
	kind := func(expression string, mode model.PodReadiness) Kind {
		s, err := NewSelector(model.ObjectSelector{Kind: expression})
		wantError(t, err, "")
		return Kind{s, mode}
	}
	objects := map[string]model.Object{
		"web":    object(t, "apps/v1", "Deployment", "web", "spec: {template: {spec: "+pod+"}}"),
		"job":    object(t, "batch/v1", "Job", "job", "spec: {template: {spec: "+pod+"}}"),
		"cron":   object(t, "batch/v1", "CronJob", "cron", ""),
		"config": object(t, "v1", "ConfigMap", "config", ""),
		"foo":    object(t, "a.b/v1", "FooBar", "foo", ""),
	}
	for _, test := range []struct {
		name     string
		explicit model.PodReadiness
		objects  string
		kinds    []Kind
		group    bool
		want     model.PodReadiness
	}{
		{name: "explicit", explicit: "ignore", objects: "web", want: "ignore"},
		{name: "workload", objects: "web config", want: "wait"},
		{name: "job", objects: "job config", want: "succeeded"},
		{name: "cron job", objects: "cron", want: "ignore"},
		{name: "ignore beats succeeded", objects: "job cron", want: "ignore"},
		{name: "a job beside a Deployment", objects: "web job", want: "wait"},
		{name: "a group", objects: "config foo", group: true, want: "ignore"},
		{name: "a job in a group", objects: "job", group: true, want: "succeeded"},
		{name: "a kind", objects: "foo", kinds: []Kind{kind("foo", "ignore")}, want: "ignore"},
		{name: "a kind that says nothing", objects: "foo", kinds: []Kind{kind("foo", "")}, want: "wait"},
		{name: "a kind that was there", objects: "job", kinds: []Kind{kind("^job$", "wait")}, want: "wait"},
		{name: "nothing", want: "wait"},
	} {
		var of []model.Object
		for name := range strings.FieldsSeq(test.objects) {
			of = append(of, objects[name])
		}
		if got := Readiness(test.explicit, of, append(DefaultKinds(), test.kinds...), test.group); got != test.want {
			t.Errorf("%s: got %s, want %s", test.name, got, test.want)
		}
	}
}

func TestPodLabels(t *testing.T) {
	o := object(t, "apps/v1", "Deployment", "web", "spec: {template: {metadata: {labels: {app: web, count: 1}}}}")
	if diff := cmp.Diff([]map[string]string{{"app": "web"}}, podLabels(o)); diff != "" {
		t.Error(diff)
	}
	if got := PodTemplates(object(t, "a.b/v1", "Rollout", "r", "spec: {template: {}}")); got != nil {
		t.Errorf("got %v of a custom resource", got)
	}
}
