// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
)

const (
	protobuf     = "application/vnd.kubernetes.protobuf"
	asMetadata   = ";as=PartialObjectMetadata;v=v1;g=meta.k8s.io"
	bodyLimit    = 3 << 20
	protobufMark = "k8s\x00"
)

// checkContent checks the formats of requests and responses, and the limits of their sizes.
func checkContent(t *testing.T, s *server) {
	t.Run("YAML", func(t *testing.T) { t.Parallel(); bothWaysInYAML(t, s) })
	t.Run("Accept", func(t *testing.T) { t.Parallel(); negotiated(t, s) })
	t.Run("ContentType", func(t *testing.T) { t.Parallel(); contentTypes(t, s) })
	t.Run("Compression", func(t *testing.T) { t.Parallel(); compressed(t, s) })
	t.Run("Pretty", func(t *testing.T) { t.Parallel(); pretty(t, s) })
	t.Run("Limits", func(t *testing.T) { t.Parallel(); tooMuch(t, s) })
	t.Run("Errors", func(t *testing.T) { t.Parallel(); errorsAreStatuses(t, s) })
}

func bothWaysInYAML(t *testing.T, s *server) {
	name := unique(t)
	s.remove(t, name)
	encoded, err := yaml.Marshal(newSession(name))
	if err != nil {
		t.Fatal(err)
	}
	const acceptYAML = "Accept: application/yaml"
	created := s.do(t, http.MethodPost, sessionsPath, encoded, contentYAML, acceptYAML).want(http.StatusCreated)
	read := s.get(t, path(name), acceptYAML).want(http.StatusOK)
	list := s.get(t, sessionsPath+"?fieldSelector=metadata.name="+name, acceptYAML).want(http.StatusOK)
	missing := s.get(t, path(name)+"-missing", acceptYAML).want(http.StatusNotFound)
	for kind, answer := range map[string]*answer{"Session": read, "SessionList": list, "Status": missing} {
		var object metav1.TypeMeta
		if err := yaml.Unmarshal(answer.body, &object); err != nil || object.Kind != kind ||
			strings.HasPrefix(string(answer.body), "{") || answer.Header.Get("Content-Type") != "application/yaml" {
			t.Errorf("%s: %s (%v): %s", kind, answer.Header.Get("Content-Type"), err, answer.body)
		}
	}
	var session v1alpha1.Session
	if err := yaml.UnmarshalStrict(created.body, &session); err != nil {
		t.Fatal(err)
	}
	session.Spec.TiltfilePath = "/from/yaml"
	if encoded, err = yaml.Marshal(session); err != nil {
		t.Fatal(err)
	}
	updated := s.do(t, http.MethodPut, path(name), encoded, contentYAML).want(http.StatusOK).session()
	if updated.Spec.TiltfilePath != "/from/yaml" || updated.UID != session.UID {
		t.Errorf("updated = %+v", updated)
	}
}

// negotiated: if the server lacks the format that a client prefers, it uses another one that the client accepts.
func negotiated(t *testing.T, s *server) {
	name := s.create(t).Name
	const json = "application/json"
	for _, test := range []struct {
		accept, want string
	}{
		{"", json}, {"*/*", json}, {json, json}, {"application/*", json}, {"text/html, application/*;q=0.8", json},
		{"application/yaml", "application/yaml"}, {"application/json;q=0.1, application/yaml", "application/yaml"},
		{protobuf + ", application/json", json}, {protobuf + ",application/json;q=0.5", json}, {protobuf + ", */*", json},
		{protobuf + ", application/*", json}, {"application/json;q=0.1," + protobuf, json},
		{protobuf + ",application/yaml", "application/yaml"},
		{"application/cbor, application/json", json}, {"text/html, */*;q=0.1", json},
		{protobuf + asMetadata + ",application/json", protobuf}, {protobuf + asMetadata, protobuf},
		{"application/*" + asMetadata, json},
	} {
		answer := s.get(t, path(name), "Accept: "+test.accept).want(http.StatusOK)
		if got := answer.Header.Get("Content-Type"); !strings.HasPrefix(got, test.want) {
			t.Errorf("%q: %s instead of %s", test.accept, got, test.want)
		}
		if isProtobuf := bytes.HasPrefix(answer.body, []byte(protobufMark)); isProtobuf != (test.want == protobuf) {
			t.Errorf("%q: %s", test.accept, cut(answer.body))
		}
	}
	for _, accept := range []string{"text/html", "application/cbor", "application/xml,text/*", json + ";as=Nothing;v=v1;g=meta.k8s.io"} {
		s.get(t, path(name), "Accept: "+accept).failure(http.StatusNotAcceptable, metav1.StatusReasonNotAcceptable)
	}
	// A client that accepts protobuf alone gets an error in protobuf, and nothing is written.
	for _, accept := range []string{protobuf, protobuf + ";as=Table;v=v1;g=meta.k8s.io"} {
		s.get(t, path(name), "Accept: "+accept).want(http.StatusNotAcceptable)
	}
	refused := unique(t)
	s.remove(t, refused)
	s.do(t, http.MethodPost, sessionsPath, newSession(refused), "Accept: "+protobuf).want(http.StatusNotAcceptable)
	s.get(t, path(refused)).want(http.StatusNotFound)

	written := s.do(t, http.MethodPost, sessionsPath, newSession(refused), "Accept: "+protobuf+",application/json").want(http.StatusCreated)
	written.session()
	for _, at := range []string{"/apis", groupPath, versionPath} {
		if got := s.get(t, at, "Accept: "+protobuf+",application/json").want(http.StatusOK).Header.Get("Content-Type"); got != protobuf {
			t.Errorf("%s is %s though it has protobuf", at, got)
		}
		if got := s.get(t, at, "Accept: application/*").want(http.StatusOK).Header.Get("Content-Type"); got != json {
			t.Errorf("%s is %s", at, got)
		}
	}
}

func contentTypes(t *testing.T, s *server) {
	for _, content := range []string{"application/json", "application/json; charset=utf-8", "application/json;charset=UTF-8", ""} {
		name := unique(t)
		s.remove(t, name)
		s.do(t, http.MethodPost, sessionsPath, newSession(name), "Content-Type: "+content).want(http.StatusCreated).session()
	}
	session := s.create(t)
	for _, content := range []string{"text/plain", "application/cbor", "application/x-www-form-urlencoded", "application/xml", "json", protobuf} {
		s.do(t, http.MethodPost, sessionsPath, newSession(unique(t)), "Content-Type: "+content).
			failure(http.StatusUnsupportedMediaType, metav1.StatusReasonUnsupportedMediaType)
		s.do(t, http.MethodPut, path(session.Name), session, "Content-Type: "+content).
			failure(http.StatusUnsupportedMediaType, metav1.StatusReasonUnsupportedMediaType)
	}
	for _, content := range []string{"application/json", "text/plain", protobuf, "application/apply-patch+cbor"} {
		s.do(t, http.MethodPatch, path(session.Name), `{}`, "Content-Type: "+content).
			failure(http.StatusUnsupportedMediaType, metav1.StatusReasonUnsupportedMediaType)
	}
	s.quiet(t, session)
}

// compressed: large responses are compressed for clients that accept it, and no others.
func compressed(t *testing.T, s *server) {
	group := unique(t)
	const most = 200 << 10
	session := s.create(t, labelled("group", group), func(session *v1alpha1.Session) {
		session.Annotations = map[string]string{"large": strings.Repeat("large ", most/6)}
	})
	small := s.create(t)
	for _, at := range []string{path(session.Name), sessionsPath + "?labelSelector=group=" + group} {
		plain := s.get(t, at).want(http.StatusOK)
		packed := s.get(t, at, "Accept-Encoding: gzip").want(http.StatusOK)
		if plain.Header.Get("Content-Encoding") != "" || packed.Header.Get("Content-Encoding") != "gzip" || len(packed.body) > len(plain.body)/2 {
			t.Fatalf("%s: encodings %q and %q of %d and %d bytes", at, plain.Header.Get("Content-Encoding"),
				packed.Header.Get("Content-Encoding"), len(plain.body), len(packed.body))
		}
		reader, err := gzip.NewReader(bytes.NewReader(packed.body))
		if err != nil {
			t.Fatal(err)
		}
		unpacked, err := io.ReadAll(reader)
		if err != nil || at == path(session.Name) && !bytes.Equal(unpacked, plain.body) || !bytes.Contains(unpacked, []byte("large large")) {
			t.Errorf("%s: %d bytes unpacked (%v), %d plain", at, len(unpacked), err, len(plain.body))
		}
	}
	if got := s.get(t, path(small.Name), "Accept-Encoding: gzip").want(http.StatusOK).Header.Get("Content-Encoding"); got != "" {
		t.Errorf("a small answer is encoded: %s", got)
	}
}

// pretty: a response is indented on request, and for browsers and curl.
func pretty(t *testing.T, s *server) {
	name := s.create(t).Name
	for _, test := range []struct {
		query, agent, accept string
		pretty               bool
	}{
		{"", "client/1", "", false},
		{"?pretty=true", "client/1", "", true},
		{"?pretty=1", "client/1", "", true},
		{"?pretty=false", "curl/8", "", false},
		{"", "curl/8", "", true},
		{"", "Mozilla/5.0 (X11)", "", true},
		{"", "client/1", "application/json;pretty=1", true},
	} {
		answer := s.get(t, path(name)+test.query, "User-Agent: "+test.agent, "Accept: "+test.accept).want(http.StatusOK)
		if got := bytes.Contains(answer.body, []byte("\n  \"metadata\": {")); got != test.pretty {
			t.Errorf("%+v: %s", test, cut(answer.body))
		}
	}
}

// tooMuch: the server refuses requests that are too large, and continues to serve.
func tooMuch(t *testing.T, s *server) {
	session := s.create(t)
	large := strings.Repeat("x", bodyLimit)
	document := `{"apiVersion":"tilt.dev/v1alpha1","kind":"Session","metadata":{"name":"` + session.Name + `"},"spec":`
	for _, request := range []struct{ method, path, content string }{
		{http.MethodPost, sessionsPath, "Content-Type: application/json"},
		{http.MethodPut, path(session.Name), "Content-Type: application/json"},
		{http.MethodPut, statusPath(session.Name), contentYAML},
		{http.MethodPatch, path(session.Name), contentMerge},
		{http.MethodPatch, path(session.Name) + "?fieldManager=large", contentApply},
		{http.MethodDelete, path(session.Name), "Content-Type: application/json"},
	} {
		s.do(t, request.method, request.path, document+`"`+large+`"}`, request.content).
			failure(http.StatusRequestEntityTooLarge, metav1.StatusReasonRequestEntityTooLarge)
	}

	const depth = 100_000
	lists := strings.Repeat("[", depth) + strings.Repeat("]", depth)
	objects := strings.Repeat(`{"a":`, depth) + "1" + strings.Repeat("}", depth)
	bomb := "apiVersion: tilt.dev/v1alpha1\nkind: Session\nmetadata: {name: bomb}\nspec: {tiltfilePath: /a, exitCondition: ci}\n" + billion()
	for _, request := range []struct{ method, path, body, content string }{
		{http.MethodPost, sessionsPath, document + lists + "}", "Content-Type: application/json"},
		{http.MethodPost, sessionsPath, document + objects + "}", "Content-Type: application/json"},
		{http.MethodPost, sessionsPath, document + lists + "}", contentYAML},
		{http.MethodPost, sessionsPath, bomb, contentYAML},
		{http.MethodPost, sessionsPath + "?fieldValidation=Strict", bomb, contentYAML},
		{http.MethodPut, path(session.Name), bomb, contentYAML},
		{http.MethodPut, statusPath(session.Name), document + objects + "}", "Content-Type: application/json"},
		{http.MethodPatch, path(session.Name) + "?fieldManager=deep", document + lists + "}", contentApply},
		{http.MethodPatch, path(session.Name) + "?fieldManager=deep", bomb, contentApply},
		{http.MethodPatch, path(session.Name), lists, contentJSONPatch},
		{http.MethodPatch, path(session.Name), objects, contentMerge},
		{http.MethodPatch, path(session.Name), objects, contentStrategic},
		{http.MethodDelete, path(session.Name), objects, "Content-Type: application/json"},
		{http.MethodDelete, path(session.Name), bomb, contentYAML},
	} {
		s.do(t, request.method, request.path, request.body, request.content).failure(http.StatusBadRequest, metav1.StatusReasonBadRequest)
	}
	s.quiet(t, session)
}

// billion is a document of a kilobyte that is a gigabyte once its references are followed.
func billion() string {
	var bomb strings.Builder
	bomb.WriteString("a: &a [\"x\",\"x\",\"x\",\"x\",\"x\",\"x\",\"x\",\"x\",\"x\"]\n")
	for letter := 'b'; letter < 'k'; letter++ {
		before := string(letter - 1)
		bomb.WriteString(string(letter) + ": &" + string(letter) + " [" + strings.TrimSuffix(strings.Repeat("*"+before+",", 9), ",") + "]\n")
	}
	return bomb.String()
}

func errorsAreStatuses(t *testing.T, s *server) {
	name := s.create(t).Name
	for _, request := range []struct {
		method, path, body string
		code               int
		reason             metav1.StatusReason
	}{
		{http.MethodGet, path(name) + "-missing", "", http.StatusNotFound, metav1.StatusReasonNotFound},
		{http.MethodGet, versionPath + "/nothing", "", http.StatusNotFound, metav1.StatusReasonNotFound},
		{http.MethodGet, path(name) + "/logs", "", http.StatusNotFound, metav1.StatusReasonNotFound},
		{http.MethodPost, sessionsPath, "", http.StatusBadRequest, metav1.StatusReasonBadRequest},
		{http.MethodPost, sessionsPath, "{", http.StatusBadRequest, metav1.StatusReasonBadRequest},
		{http.MethodPost, sessionsPath, "[]", http.StatusBadRequest, metav1.StatusReasonBadRequest},
		{http.MethodPost, sessionsPath, `"text"`, http.StatusBadRequest, metav1.StatusReasonBadRequest},
		{http.MethodPost, sessionsPath, "\xff\xfe", http.StatusBadRequest, metav1.StatusReasonBadRequest},
		{http.MethodPut, path(name), `{"kind":"Session","apiVersion":"tilt.dev/v1alpha1","metadata":{"name":7}}`, http.StatusBadRequest, metav1.StatusReasonBadRequest},
		{http.MethodPut, path(name), `{"kind":"Session","apiVersion":"tilt.dev/v1alpha1","metadata":{"name":"` + name + `"},"spec":[]}`, http.StatusBadRequest, metav1.StatusReasonBadRequest},
		{http.MethodPut, sessionsPath, "{}", http.StatusMethodNotAllowed, metav1.StatusReasonMethodNotAllowed},
		{http.MethodTrace, path(name), "", http.StatusMethodNotAllowed, metav1.StatusReasonMethodNotAllowed},
	} {
		s.do(t, request.method, request.path, request.body).failure(request.code, request.reason)
	}
	if s.Aggregated {
		return
	}
	for _, at := range []string{"/none", "/api", "/apis/none.example", "/apis/none.example/v1/sessions", "/openapi/v4"} {
		s.get(t, at).failure(http.StatusNotFound, metav1.StatusReasonNotFound)
	}
}
