// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
)

const runningSince = `{"type":"Ready","status":"True","reason":"Running","message":"","lastTransitionTime":`

// unchangedManifests are Sessions with values that are stored in another form. NAME
// and SPEC stand for the members that every Session has.
var unchangedManifests = map[string]string{
	"seconds":                `"metadata":{NAME},"spec":{SPEC,"ci":{"timeout":"90s"}}`,
	"minutes":                `"metadata":{NAME},"spec":{SPEC,"ci":{"timeout":"5m"}}`,
	"an hour":                `"metadata":{NAME},"spec":{SPEC,"ci":{"timeout":"1h"}}`,
	"no time":                `"metadata":{NAME},"spec":{SPEC,"ci":{"timeout":"0"}}`,
	"every duration":         `"metadata":{NAME},"spec":{SPEC,"ci":{"timeout":"+0.5m","readinessTimeout":"90000ms","k8sGracePeriod":"1h0m"}}`,
	"no limits":              `"metadata":{NAME},"spec":{SPEC,"ci":{}}`,
	"no arguments":           `"metadata":{NAME},"spec":{SPEC,"args":[]}`,
	"arguments":              `"metadata":{NAME},"spec":{SPEC,"args":["web","web",""],"keepGoing":true,"ttlSecondsAfterFinished":0}`,
	"empty maps":             `"metadata":{NAME,"labels":{},"annotations":{}},"spec":{SPEC}`,
	"empty values":           `"metadata":{NAME,"labels":{"a":""},"annotations":{"b":""}},"spec":{SPEC}`,
	"empty lists":            `"metadata":{NAME,"finalizers":[],"ownerReferences":[]},"spec":{SPEC}`,
	"a finalizer":            `"metadata":{NAME,"finalizers":["tilt.dev/conformance"]},"spec":{SPEC}`,
	"an owner":               `"metadata":{NAME,"ownerReferences":[{"apiVersion":"v1","kind":"Node","name":"n","uid":"u"}]},"spec":{SPEC}`,
	"no creation":            `"metadata":{NAME,"creationTimestamp":null},"spec":{SPEC}`,
	"another creation":       `"metadata":{NAME,"creationTimestamp":"2020-01-02T03:04:05.5+05:00"},"spec":{SPEC}`,
	"what the server counts": `"metadata":{NAME,"generation":7,"selfLink":"/self","uid":"","resourceVersion":""},"spec":{SPEC}`,
	"a status": `"metadata":{NAME},"spec":{SPEC},"status":{"pid":7,"startTime":"2026-01-02T03:04:05.000006+05:00","done":true,"targets":null,` +
		`"conditions":[` + runningSince + `"2026-01-02T03:04:05+05:00"}]}`,
	"an empty status": `"metadata":{NAME},"spec":{SPEC},"status":{}`,
	"no status":       `"metadata":{NAME},"spec":{SPEC},"status":null`,
}

var unchangedStatuses = map[string]string{
	"empty":               `"metadata":{NAME},"status":{}`,
	"no start":            `"metadata":{NAME},"status":{"startTime":null,"pid":0,"done":false}`,
	"the zero time":       `"metadata":{NAME},"status":{"startTime":"0001-01-01T00:00:00.000000Z"}`,
	"another zone":        `"metadata":{NAME},"status":{"startTime":"2026-01-02T03:04:05.000006+05:00"}`,
	"a whole second":      `"metadata":{NAME},"status":{"startTime":"2026-01-02T03:04:05.000000Z"}`,
	"empty lists":         `"metadata":{NAME},"status":{"targets":[],"conditions":[]}`,
	"no targets":          `"metadata":{NAME},"status":{"targets":null}`,
	"condition in a zone": `"metadata":{NAME},"status":{"conditions":[` + runningSince + `"2026-01-02T03:04:05+05:00"}]}`,
	"condition at a part": `"metadata":{NAME},"status":{"conditions":[` + runningSince + `"2026-01-02T03:04:05.999Z"}]}`,
	"target in a zone": `"metadata":{NAME},"status":{"targets":[{"name":"a","type":"server","resources":["a"],"state":{"active":{"startTime":"2026-01-02T03:04:05.000006-07:00",` +
		`"ready":true,"lastReadyTime":"2026-01-02T03:04:05.100000+00:30"}}}]}`,
	"target with defaults": `"metadata":{NAME},"status":{"targets":[{"name":"a","type":"job","resources":null,"restartCount":0,"state":{"active":{"ready":false}}}]}`,
	"target that ended":    `"metadata":{NAME},"status":{"targets":[{"name":"a","type":"job","state":{"terminated":{"finishTime":null,"error":"","graceStatus":"","signal":"","exitCode":null}}}]}`,
	"a spec":               `"metadata":{NAME,"labels":{"a":"b"},"creationTimestamp":null},"spec":{SPEC,"ci":{"timeout":"90s"}},"status":{"pid":7}`,
}

// unchangedAlone are unchanged only while one manager applies them: a manager owns null, false
// and an empty text, which are stored by omitting the field.
var unchangedAlone = map[string]string{
	"null limits":         `"metadata":{NAME},"spec":{SPEC,"ci":null}`,
	"false":               `"metadata":{NAME},"spec":{SPEC,"keepGoing":false}`,
	"null settings":       `"metadata":{NAME},"spec":{SPEC,"args":null,"keepGoing":null,"ttlSecondsAfterFinished":null}`,
	"a null limit":        `"metadata":{NAME},"spec":{SPEC,"ci":{"timeout":null}}`,
	"null maps and lists": `"metadata":{NAME,"labels":null,"annotations":null,"finalizers":null,"ownerReferences":null,"managedFields":null},"spec":{SPEC}`,
	"no deletion":         `"metadata":{NAME,"deletionTimestamp":null,"deletionGracePeriodSeconds":null},"spec":{SPEC}`,
}

// unchanged is a manifest with the resulting Session.
type unchanged struct {
	at, document string
	managers     []string
	session      *v1alpha1.Session
}

// checkUnchanged: writing a Session once more changes nothing, for each notation and each verb.
func checkUnchanged(t *testing.T, s *server) {
	one, both := []string{"one"}, []string{"one", "two"}
	tables := []struct {
		what     string
		status   bool
		managers []string
		cases    map[string]string
	}{{"main", false, both, unchangedManifests}, {"status", true, both, unchangedStatuses}, {"alone", false, one, unchangedAlone}}
	cases := map[string]*unchanged{}
	for _, table := range tables {
		for what, document := range table.cases {
			cases[table.what+", "+what] = s.newUnchanged(t, table.status, table.managers, document)
		}
	}
	// The times in managedFields count seconds.
	time.Sleep(1100 * time.Millisecond)
	for _, what := range slices.Sorted(maps.Keys(cases)) {
		t.Run(what, func(t *testing.T) { cases[what].check(t, s) })
	}
}

func (s *server) newUnchanged(t *testing.T, status bool, managers []string, document string) *unchanged {
	t.Helper()
	name := unique(t)
	u := &unchanged{at: path(name), managers: managers}
	u.document = `{"apiVersion":"tilt.dev/v1alpha1","kind":"Session",` +
		strings.NewReplacer("NAME", `"name":"`+name+`"`, "SPEC", `"tiltfilePath":"/a","exitCondition":"ci"`).Replace(document) + `}`
	s.remove(t, name)
	if status {
		u.at = statusPath(name)
		session := newSession(name)
		s.do(t, http.MethodPost, sessionsPath, session).want(http.StatusCreated)
	}
	for _, manager := range managers {
		answer := s.patch(t, u.at+"?fieldManager="+manager, u.document, contentApply)
		if answer.StatusCode != http.StatusCreated {
			answer.want(http.StatusOK)
		}
		u.session = answer.session()
	}
	return u
}

func (u *unchanged) check(t *testing.T, s *server) {
	same := func(what string, answer *answer) {
		t.Helper()
		got := answer.want(http.StatusOK).session()
		if diff := cmp.Diff(u.session, got); diff != "" {
			t.Errorf("%s (-before +after):\n%s", what, diff)
			u.session = got
		}
	}
	for _, manager := range u.managers {
		for _, query := range []string{"", "&force=true", "&dryRun=All", "&dryRun=All&force=true", "&fieldValidation=Strict", "&fieldValidation=Ignore"} {
			same("an apply by "+manager+query, s.patch(t, u.at+"?fieldManager="+manager+query, u.document, contentApply))
		}
	}
	same("a PUT", s.do(t, http.MethodPut, u.at, u.document))
	same("a dry PUT", s.do(t, http.MethodPut, u.at+"?dryRun=All&fieldManager=other", u.document))
	same("a merge patch", s.patch(t, u.at+"?fieldManager=other", u.document, contentMerge))
	same("a strategic merge patch", s.patch(t, u.at+"?fieldManager=other", u.document, contentStrategic))
	same("a JSON patch", s.patch(t, u.at+"?fieldManager=other", u.operations(t), contentJSONPatch))
	s.quiet(t, u.session)
}

// operations returns a JSON patch that replaces the members of the document.
func (u *unchanged) operations(t *testing.T) string {
	var members map[string]json.RawMessage
	if err := json.Unmarshal([]byte(u.document), &members); err != nil {
		t.Fatal(err)
	}
	delete(members, "metadata")
	var operations []string
	for member, value := range members {
		operations = append(operations, `{"op":"replace","path":"/`+member+`","value":`+string(value)+`}`)
	}
	return "[" + strings.Join(operations, ",") + "]"
}
